// What the browser keeps of the course: guesses, solved exercises, and the page where
// the reader stopped. Nothing leaves the browser. Without JavaScript the choices of a
// guess stay a list, and its answer opens by a click all the same.

const STORE = "course";

// `guesses` has for each page, of each guess, the number of the choice and whether it
// was right; `totals` how many guesses a page has; `solved` the names of exercises;
// `last` the page read last, and the one after it.
function loadCourse() {
  const empty = { guesses: {}, totals: {}, solved: [], last: null };
  try {
    return { ...empty, ...JSON.parse(localStorage.getItem(STORE)) };
  } catch {
    return empty; // no storage, or not ours
  }
}

// Whether an exercise is solved, or all guesses of a chapter are made.
function isDone(page, course) {
  const made = Object.keys(course.guesses[page] ?? {}).length;
  return course.solved.includes(page) || (made > 0 && made >= course.totals[page]);
}

function saveCourse(course) {
  try {
    localStorage.setItem(STORE, JSON.stringify(course));
  } catch {
    // What the reader has done is forgotten with the page; all else works.
  }
}

// The name of a page, such as "pillars/0_first".
function nameOfPage(address) {
  const path = new URL(address, location).pathname;
  return path.split("/").slice(-2).join("/").replace(".html", "");
}

function plainWords(element) {
  return element.textContent.trim().replace(/\.$/, "").toLowerCase();
}

function makeElement(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}

// ---------------------------------------------------------------- on a chapter's page

function makeButtons(list, answer, number) {
  const page = nameOfPage(location);
  const right = plainWords(answer.querySelector("p > strong"));
  answer.id = `answer-${number + 1}`;
  const items = [...list.querySelectorAll("li")];
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  list.after(status);

  function mark(chosen) {
    items.forEach((item, place) => {
      const button = item.querySelector("button");
      const isRight = plainWords(button) === right;
      button.classList.toggle("right", isRight);
      button.classList.toggle("wrong", place === chosen && !isRight);
      button.setAttribute("aria-pressed", place === chosen);
    });
  }

  items.forEach((item, place) => {
    const button = makeElement("button", { type: "button" });
    button.append(...item.childNodes);
    item.append(button);
    button.addEventListener("click", () => {
      const course = loadCourse();
      course.guesses[page] ??= {};
      // The first choice counts: afterwards, the answer is known.
      course.guesses[page][number] ??= { chosen: place, right: plainWords(button) === right };
      saveCourse(course);
      show(course.guesses[page][number]);
      answer.open = true;
    });
  });

  function show(guess) {
    mark(guess.chosen);
    const why = makeElement("a", { href: `#${answer.id}`, textContent: "Why?" });
    why.addEventListener("click", () => (answer.open = true));
    status.replaceChildren(guess.right ? "Right! " : "Not this time. ", why);
  }

  const before = loadCourse().guesses[page]?.[number];
  if (before && before.chosen < items.length) show(before);
}

// -------------------------------------------------------------- on an exercise's page

function addBoxForSolved(page) {
  const box = makeElement("input", { type: "checkbox", checked: loadCourse().solved.includes(page) });
  box.addEventListener("change", () => {
    const course = loadCourse();
    course.solved = course.solved.filter((name) => name !== page);
    if (box.checked) course.solved.push(page);
    saveCourse(course);
  });
  const label = makeElement("label", { className: "solved" });
  label.append(box, " I have solved it");
  document.querySelector("article h1").after(label);
}

// ------------------------------------------------------------------- on the home page

function showCourse(place) {
  const course = loadCourse();
  const totals = JSON.parse(place.dataset.totals);
  let nGuesses = 0;
  let nMade = 0;
  let nRight = 0;
  for (const [page, total] of Object.entries(totals)) {
    const made = Object.values(course.guesses[page] ?? {});
    nGuesses += total;
    nMade += made.length;
    nRight += made.filter((guess) => guess.right).length;
    if (made.length) markLink(page, made.length < total ? `${made.length}/${total}` : "✓");
  }
  course.solved.forEach((page) => markLink(page, "✓"));

  if (nMade || course.solved.length) {
    const again = makeElement("button", { type: "button", textContent: "Start again" });
    again.addEventListener("click", () => {
      saveCourse({});
      location.reload();
    });
    place.replaceChildren(
      `Guesses: ${nMade} of ${nGuesses}, ${nRight} of them right. `,
      `Exercises solved: ${course.solved.length}. `,
      again,
    );
  }
  const goOn = document.querySelector("#go-on");
  if (goOn && course.last) {
    const isNext = isDone(course.last.page, course) && course.last.next;
    const { page, title } = isNext ? course.last.next : course.last;
    const link = makeElement("a", { href: `${page}.html`, textContent: title });
    goOn.replaceChildren("Go on where you stopped: ", link);
  }
}

function markLink(page, words) {
  const links = [...document.querySelectorAll("article table a")];
  const mark = makeElement("span", { className: "done", textContent: ` ${words}` });
  links.find((link) => nameOfPage(link.href) === page)?.after(mark);
}

// ------------------------------------------------------------------- on every page

// On a phone, sentences of an output go on in the next line, and the font is as small as
// its widest table needs, within limits; see `site.css`.
function fitOutput(pre) {
  const lines = pre.textContent.replace(/\n$/, "").split("\n");
  const isTable = (line) => /\S {2,}\S|^ +\S/.test(line);
  const widths = lines.filter(isTable).map((line) => line.length);
  pre.style.setProperty("--columns", Math.max(...widths, 1));
  pre.replaceChildren();
  for (const line of lines) {
    const shown = makeElement("span", { className: isTable(line) ? "" : "sentence", textContent: line });
    pre.append(shown, "\n");
  }
}

document.querySelectorAll(".cell_output pre").forEach(fitOutput);

// Keep which page this is, which one follows, and how many guesses it has.
function keepPage(page, nGuesses) {
  const course = loadCourse();
  const title = document.querySelector("article h1").firstChild.textContent;
  const link = document.querySelector("a.next-page");
  const next = link && {
    page: nameOfPage(link.href),
    title: link.querySelector(".title").textContent,
  };
  course.totals[page] = nGuesses;
  course.last = { page, title, next };
  saveCourse(course);
}

function markMenu() {
  const course = loadCourse();
  document.querySelectorAll(".sidebar-tree a.reference").forEach((link) => {
    if (isDone(nameOfPage(link.href), course)) {
      link.append(makeElement("span", { className: "done", textContent: " ✓" }));
    }
  });
}

const page = nameOfPage(location);
const answers = document.querySelectorAll("details.answer");
const lists = document.querySelectorAll("ul.choices");
lists.forEach((list, number) => makeButtons(list, answers[number], number));
if (/^(pillars|exercises)\/\d/.test(page)) keepPage(page, lists.length);
if (/^exercises\/\d/.test(page)) addBoxForSolved(page);
const count = document.querySelector("#guesses");
if (count) showCourse(count);
markMenu();
// The course ends here; the pages that follow in the menu are for reference.
if (page === "docs/what_now") document.querySelector("a.next-page")?.remove();
