// What the browser keeps of the course: guesses, solved exercises, and the page where
// the reader stopped. Nothing leaves the browser. Without JavaScript the choices of a
// guess stay a list, and its answer opens by a click all the same.

const STORE = "scikit-learn-ecosystem-lesson";

// What is kept if the browser stores nothing: it is forgotten with the page.
let inMemory = null;

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

// Others may write to the same store, and so did older versions of this file: only what
// has the right form is taken.
//
// `guesses` has for each page, of each guess, the words of the choice and whether it was
// right; `totals` how many guesses a page has; `solved` the names of exercises; `last`
// the page read last, and the one after it.
function cleaned(stored) {
  const course = { guesses: {}, totals: {}, solved: [], last: null };
  if (!isObject(stored)) return course;
  for (const [page, made] of Object.entries(isObject(stored.guesses) ? stored.guesses : {})) {
    for (const [number, guess] of Object.entries(isObject(made) ? made : {})) {
      if (!isObject(guess) || typeof guess.words !== "string") continue;
      course.guesses[page] ??= {};
      course.guesses[page][number] = { words: guess.words, right: guess.right === true };
    }
  }
  for (const [page, total] of Object.entries(isObject(stored.totals) ? stored.totals : {})) {
    if (Number.isInteger(total)) course.totals[page] = total;
  }
  if (Array.isArray(stored.solved)) {
    course.solved = [...new Set(stored.solved)].filter((name) => typeof name === "string");
  }
  if (isPage(stored.last)) {
    const next = isPage(stored.last.next) ? stored.last.next : null;
    course.last = { ...stored.last, next };
  }
  return course;
}

function isPage(value) {
  return (
    isObject(value) &&
    typeof value.title === "string" &&
    /^(pillars|exercises|docs)\/\w+$/.test(value.page)
  );
}

function loadCourse() {
  try {
    const stored = JSON.parse(localStorage.getItem(STORE));
    return cleaned(stored ?? inMemory);
  } catch {
    return cleaned(inMemory);
  }
}

function saveCourse(course) {
  inMemory = course;
  try {
    localStorage.setItem(STORE, JSON.stringify(course));
  } catch {
    // It stays in memory.
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

// Whether an exercise is solved, or all guesses of a chapter are made.
function isDone(page, course) {
  const made = Object.keys(course.guesses[page] ?? {}).length;
  return course.solved.includes(page) || (made > 0 && made >= course.totals[page]);
}

// ---------------------------------------------------------------- on a chapter's page

function makeButtons(list, answer, number) {
  const page = nameOfPage(location);
  const right = plainWords(answer.querySelector("p > strong"));
  answer.id = `answer-${number + 1}`;
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  list.after(status);

  // A group of buttons has the question as its name.
  const question = list.previousElementSibling;
  question.id = `guess-${number + 1}`;
  list.setAttribute("role", "group");
  list.setAttribute("aria-labelledby", question.id);

  const buttons = [...list.querySelectorAll("li")].map((item) => {
    item.setAttribute("role", "presentation");
    const button = makeElement("button", { type: "button" });
    button.append(...item.childNodes);
    item.append(button);
    return button;
  });

  function show(words) {
    for (const button of buttons) {
      const isChosen = plainWords(button) === words;
      const isRight = plainWords(button) === right;
      button.classList.toggle("right", isRight);
      button.classList.toggle("wrong", isChosen && !isRight);
      button.setAttribute("aria-pressed", isChosen);
    }
    const why = makeElement("a", { href: `#${answer.id}`, textContent: "Why?" });
    why.addEventListener("click", () => (answer.open = true));
    status.replaceChildren(words === right ? "Right! " : "Not this time. ", why);
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      const course = loadCourse();
      course.guesses[page] ??= {};
      const words = plainWords(button);
      // The first choice counts: afterwards, the answer is known.
      course.guesses[page][number] ??= { words, right: words === right };
      saveCourse(course);
      show(course.guesses[page][number].words);
      answer.open = true;
    });
  }

  // The choices may have changed since the guess was made.
  const course = loadCourse();
  const guess = course.guesses[page]?.[number];
  if (!guess) return;
  if (buttons.some((button) => plainWords(button) === guess.words)) {
    guess.right = guess.words === right;
    show(guess.words);
  } else {
    delete course.guesses[page][number];
  }
  saveCourse(course);
}

// -------------------------------------------------------------- on an exercise's page

function addBoxForSolved(page) {
  const checked = loadCourse().solved.includes(page);
  const box = makeElement("input", { type: "checkbox", checked });
  box.addEventListener("change", () => {
    const course = loadCourse();
    course.solved = course.solved.filter((name) => name !== page);
    if (box.checked) course.solved.push(page);
    saveCourse(course);
  });
  const label = makeElement("label", { className: "solved" });
  label.append(box, " I have solved it");
  // The reader comes to the end of the page when it is solved.
  document.querySelector("article h1").parentElement.append(label);
}

// -------------------------------------------------- on the home page, and on the last

function showCourse(place) {
  const course = loadCourse();
  const totals = JSON.parse(place.dataset.totals);
  const exercises = JSON.parse(place.dataset.exercises);
  let nGuesses = 0;
  let nMade = 0;
  let nRight = 0;
  for (const [page, total] of Object.entries(totals)) {
    const guesses = Object.entries(course.guesses[page] ?? {});
    const made = guesses.filter(([number]) => Number(number) < total);
    nGuesses += total;
    nMade += made.length;
    nRight += made.filter(([, guess]) => guess.right).length;
    if (made.length) markLink(page, made.length < total ? `${made.length}/${total}` : "✓");
  }
  const solved = exercises.filter((page) => course.solved.includes(page));
  solved.forEach((page) => markLink(page, "✓"));

  place.append(
    ` Your browser counts here, and tells nobody: you have made ${nMade} of ${nGuesses} `,
    `guesses, ${nRight} of them right, and solved ${solved.length} of `,
    `${exercises.length} exercises. Here and in the menu, `,
    makeElement("span", { className: "done", textContent: "✓" }),
    " is a chapter with all guesses made, or a solved exercise. ",
  );
  const goOn = document.querySelector("#go-on");
  if (!goOn) return;
  if (nMade || solved.length) place.append(buttonToForget());
  if (course.last) {
    const isNext = isDone(course.last.page, course) && course.last.next;
    const { page, title } = isNext ? course.last.next : course.last;
    const link = makeElement("a", { href: `${page}.html`, textContent: title });
    goOn.replaceChildren("Go on where you stopped: ", link);
  }
}

function buttonToForget() {
  const button = makeElement("button", { type: "button", textContent: "Forget this" });
  button.addEventListener("click", () => {
    if (!confirm("Forget all guesses and solved exercises?")) return;
    saveCourse({ ...loadCourse(), guesses: {}, solved: [] });
    location.reload();
  });
  return button;
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
    const className = isTable(line) ? "" : "sentence";
    pre.append(makeElement("span", { className, textContent: line }), "\n");
  }
}

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
      const title = link.href.includes("/exercises/") ? "solved" : "all guesses made";
      link.append(makeElement("span", { className: "done", textContent: " ✓", title }));
    }
  });
}

// An address such as 0_first.html#answer-2 leads into a closed answer.
function openAnswer() {
  const answer = document.getElementById(location.hash.slice(1));
  if (answer?.matches("details.answer")) answer.open = true;
}

const page = nameOfPage(location);
const answers = document.querySelectorAll("details.answer");
const lists = document.querySelectorAll("ul.choices");
lists.forEach((list, number) => makeButtons(list, answers[number], number));
document.querySelectorAll(".cell_output pre").forEach(fitOutput);
if (/^(pillars|exercises)\/\d|^docs\/(real|what_now)$/.test(page)) keepPage(page, lists.length);
if (/^exercises\/\d/.test(page)) addBoxForSolved(page);
const count = document.querySelector("#guesses");
if (count) showCourse(count);
const plays = document.querySelector("#plays");
if (plays) plays.hidden = false;
markMenu();
openAnswer();
window.addEventListener("hashchange", openAnswer);
// The course ends here; the pages that follow in the menu are for reference.
if (page === "docs/what_now") document.querySelector("a.next-page")?.remove();
