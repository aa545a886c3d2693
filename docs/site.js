// Choices of a "Guess first" become buttons, and the browser counts the guesses.
// Without JavaScript they stay a list, and the answer opens by a click all the same.

const STORE = "guesses";

// The guesses made so far: for each page, of each guess the number of the choice and
// whether it was right.
function loadGuesses() {
  try {
    return JSON.parse(localStorage.getItem(STORE)) ?? {};
  } catch {
    return {}; // no storage, or not ours
  }
}

function saveGuesses(guesses) {
  try {
    localStorage.setItem(STORE, JSON.stringify(guesses));
  } catch {
    // The count is lost with the page; nothing else is.
  }
}

// The name of a page, such as "pillars/0_first".
function nameOfPage(address) {
  return new URL(address, location).pathname.split("/").slice(-2).join("/").replace(".html", "");
}

function plainWords(element) {
  return element.textContent.trim().replace(/\.$/, "").toLowerCase();
}

function makeButtons(list, answer, number) {
  const page = nameOfPage(location);
  const right = plainWords(answer.querySelector("p > strong"));
  const items = [...list.querySelectorAll("li")];
  answer.id = `answer-${number + 1}`;
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  list.after(status);

  function show(chosen) {
    items.forEach((item, place) => {
      const button = item.querySelector("button");
      const isRight = plainWords(button) === right;
      button.classList.toggle("right", isRight);
      button.classList.toggle("wrong", place === chosen && !isRight);
      button.setAttribute("aria-pressed", place === chosen);
    });
    const isRight = plainWords(items[chosen]) === right;
    status.textContent = isRight ? "Right! " : "Not this time. ";
    const link = document.createElement("a");
    link.href = `#${answer.id}`;
    link.textContent = "Why?";
    status.append(link);
    return isRight;
  }

  items.forEach((item, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...item.childNodes);
    item.append(button);
    button.addEventListener("click", () => {
      const guesses = loadGuesses();
      guesses[page] ??= {};
      // The first choice counts: afterwards, the answer is known.
      guesses[page][number] ??= { chosen: place, right: plainWords(button) === right };
      saveGuesses(guesses);
      show(guesses[page][number].chosen);
      answer.open = true;
    });
  });
  const before = loadGuesses()[page]?.[number];
  if (before && before.chosen < items.length) {
    show(before.chosen);
    status.textContent = before.right ? "You guessed right." : "You guessed wrong.";
  }
}

// On the home page: how many guesses were made, in all and in each chapter.
function showCount(place) {
  const totals = JSON.parse(place.dataset.totals);
  const guesses = loadGuesses();
  let all = 0;
  let made = 0;
  let right = 0;
  for (const [page, total] of Object.entries(totals)) {
    const ofPage = Object.values(guesses[page] ?? {});
    all += total;
    made += ofPage.length;
    right += ofPage.filter((guess) => guess.right).length;
    const link = [...document.querySelectorAll("article table a")].find(
      (link) => nameOfPage(link.href) === page,
    );
    link?.parentElement.querySelector(".guessed")?.remove();
    if (link && ofPage.length) {
      const mark = document.createElement("span");
      mark.className = "guessed";
      mark.textContent = ofPage.length < total ? ` ${ofPage.length}/${total}` : " ✓";
      mark.title = `${ofPage.length} of ${total} guesses made`;
      link.after(mark);
    }
  }
  if (made) {
    place.textContent = `Your guesses: ${made} of ${all}, ${right} of them right. `;
    const again = document.createElement("button");
    again.type = "button";
    again.textContent = "Start again";
    again.addEventListener("click", () => {
      saveGuesses({});
      location.reload();
    });
    place.append(again);
  }
}

const answers = document.querySelectorAll("details.answer");
document.querySelectorAll("ul.choices").forEach((list, number) => {
  makeButtons(list, answers[number], number);
});
const count = document.querySelector("#guesses");
if (count) showCount(count);
