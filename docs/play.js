// What readers play with on the pages of chapters: one function for each, and all of them
// in `PLAYS`, at the end. (The map of tastes has a file of its own, `taste.js`.)
//
// Its place is made by `play.py`, with numbers of the chapter. Nothing is stored or sent.
// All scripts of a page share one space of names, so no name here may be one of `site.js`.

// Of a picture, in pixels; the page makes it larger or smaller.
const WIDTH = 330;
const HEIGHT = 210;
const LEFT = 32; // of the axes
const TOP = 24;
const BOTTOM = HEIGHT - 24;

const percent = (share) => `${(100 * share).toFixed(0)} %`;

// Return a function that turns a value between two limits into pixels.
function makeScale([low, high], [first, last]) {
  return (value) => first + ((value - low) / (high - low)) * (last - first);
}

// Return an element of a picture.
function shape(tag, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

const line = (className, x1, y1, x2, y2) => shape("path", { class: className, d: `M${x1} ${y1}L${x2} ${y2}` });

const words = (x, y, text, anchor = "start", className = "") =>
  shape("text", { x, y, "text-anchor": anchor, class: className }, text);

const pathOf = (points) => `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`;

// Draw both axes, with marks as [value, words], and what they show.
function drawAxes(picture, x, y, marksOfX, marksOfY, nameOfY) {
  picture.append(line("axes", LEFT, BOTTOM, WIDTH, BOTTOM));
  for (const [value, text] of marksOfX) {
    const isLast = x(value) > WIDTH - 25; // in the middle under its mark, it would be cut off
    picture.append(words(isLast ? WIDTH : x(value), HEIGHT - 8, text, isLast ? "end" : "middle"));
  }
  for (const [value, text] of marksOfY) picture.append(words(LEFT - 6, y(value) + 4, text, "end"));
  picture.append(words(0, 11, nameOfY));
}

// Fill a place: its heading, what to do, the controls, a picture, and what is told.
function fill(place, heading, task, controls, nameOfPicture) {
  place.innerHTML = `<h3>${heading}</h3><p>${task}</p><form>${controls}</form>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${nameOfPicture}"></svg>
    <div role="status"></div>`;
  const form = place.querySelector("form");
  form.addEventListener("submit", (event) => event.preventDefault());
  place.hidden = false;
  return [form, place.querySelector("svg"), place.querySelector("[role='status']")];
}

const button = (name, text) => `<button type="button" name="${name}">${text}</button>`;

const slider = (name, text, min, max, step, value) =>
  `<label>${text} <b aria-hidden="true"></b>
  <input type="range" name="${name}" min="${min}" max="${max}" step="${step}" value="${value}"></label>`;

// Write a note under all the rest.
function addNote(place, text) {
  const note = document.createElement("p");
  note.textContent = text;
  place.append(note);
}

// Call a function with the name of each button that is pressed.
function onPress(form, act) {
  form.addEventListener("click", ({ target }) => {
    const isOff = target.getAttribute("aria-disabled") === "true";
    if (target.type === "button" && !isOff) act(target.name);
  });
}

// Tell the value of a slider above it, and to a screen reader.
function tellBeside(input, text) {
  input.parentElement.querySelector("b").textContent = text;
  input.setAttribute("aria-valuetext", text);
}

// Return a table of rows of cells. The first row and the first cells are headings.
function tableOf([head, ...rows]) {
  const cells = (row) => row.slice(1).map((cell) => `<td>${cell}</td>`).join("");
  const body = rows.map((row) => `<tr><th scope="row">${row[0]}</th>${cells(row)}</tr>`);
  const names = head.map((cell) => `<th scope="col">${cell}</th>`);
  return `<table><tr>${names.join("")}</tr>${body.join("")}</table>`;
}

// ------------------------------------------------------- how many questions of a tree

function playTree(place, { training, test, mean, ridge }) {
  const noLimit = test.length; // the last place of the slider
  const [form, picture, told] = fill(
    place,
    "How many questions may the tree ask?",
    "Move the slider to the left, step by step. Each place leaves two points.",
    slider("depth", "At most", 1, noLimit, 1, noLimit),
    "RMSE of the trees that you have tried, on training rows and on test rows",
  );
  const x = makeScale([1, noLimit], [LEFT + 8, WIDTH - 8]);
  const y = makeScale([0, 1.4], [BOTTOM, TOP]);
  drawAxes(
    picture, x, y,
    [[1, "1"], [5, "5"], [10, "10"], [15, "15"], [20, "20"], [noLimit, "no limit"]],
    [[0, "0"], [0.5, "0.5"], [1, "1"]],
    "RMSE in stars",
  );
  for (const [value, text, below] of [[mean, "mean, test rows", -5], [ridge, "ridge, test rows", 13]]) {
    picture.append(line("reference", LEFT, y(value), WIDTH, y(value)));
    picture.append(words(LEFT + 4, y(value) + below, text));
  }
  picture.append(words(WIDTH - 90, y(0.1), "training rows", "end", "grey"));
  picture.append(words(WIDTH - 90, y(1.28), "test rows", "end", "blue"));
  const points = shape("g", {});
  picture.append(points);
  const tried = new Set();

  function update() {
    const depth = Number(form.depth.value);
    const isNew = !tried.has(depth);
    tried.add(depth);
    const questions = depth === 1 ? "1 question" : `${depth} questions`;
    const limit = depth === noLimit ? "no limit" : questions;
    tellBeside(form.depth, limit);
    if (isNew) {
      points.append(shape("circle", { class: "grey", cx: x(depth), cy: y(training[depth - 1]), r: 4 }));
      points.append(shape("circle", { class: "blue", cx: x(depth), cy: y(test[depth - 1]), r: 4 }));
    }
    picture.querySelectorAll(".now").forEach((ring) => ring.remove());
    for (const errors of [training, test]) {
      picture.append(shape("circle", { class: "now", cx: x(depth), cy: y(errors[depth - 1]), r: 7 }));
    }
    const error = test[depth - 1];
    let compared = "worse than the mean";
    if (error < mean) compared = "better than the mean, and worse than the ridge";
    if (error < ridge) compared = "better than the ridge";
    const best = [...tried].reduce((a, b) => (test[b - 1] < test[a - 1] ? b : a));
    told.innerHTML = `<p>Error on the training rows: <b>${training[depth - 1].toFixed(3)}</b>. On the
      test rows: <b>${error.toFixed(3)}</b>, ${compared}.</p>
      <p>You have tried ${tried.size} of ${noLimit}. Best on the test rows so far:
      ${best === noLimit ? "no limit" : best} (${test[best - 1].toFixed(3)}).</p>`;
  }

  addNote(
    place,
    "This is a game. Whoever chooses the number for good needs other rows than the test rows: see chapter 3.",
  );
  form.addEventListener("input", update);
  update();
}

// -------------------------------------------------------------- the luck of a test set

function shuffled(list) {
  const mixed = [...list];
  for (let last = mixed.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [mixed[last], mixed[other]] = [mixed[other], mixed[last]];
  }
  return mixed;
}

function meanAndSpread(numbers) {
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const squares = numbers.reduce((sum, number) => sum + (number - mean) ** 2, 0);
  return [mean, Math.sqrt(squares / (numbers.length - 1))];
}

function playLuck(place, numbers) {
  const sizes = Object.keys(numbers).map(Number);
  const SIZE_AT_FIRST = 500; // that of the chapter
  const choices = sizes.map(
    (size) => `<label><input type="radio" name="rows" value="${size}"
      ${size === SIZE_AT_FIRST ? "checked" : ""}> ${size} rows</label>`,
  );
  const [form, picture, told] = fill(
    place,
    "Test the ridge on other rows",
    "Each test takes rows that the model has not seen, and that no test before has taken.",
    `<fieldset><legend>A test set has</legend>${choices.join("")}</fieldset>
    <div class="buttons">${button("1", "Test once")}${button("10", "10 more")}${button("all", "All the others")}</div>`,
    "How many tests gave which RMSE",
  );
  const all = sizes.flatMap((size) => numbers[size]);
  const WIDTH_OF_BIN = 0.01; // in stars
  const HIGHEST_TEST = 14; // pixels of a test in a bar; less if a bar would be too high
  const HEIGHT_OF_SPREAD = 26;
  const low = Math.floor(Math.min(...all) / WIDTH_OF_BIN);
  const high = Math.floor(Math.max(...all) / WIDTH_OF_BIN) + 1;
  const x = makeScale([low, high], [LEFT, WIDTH]);
  const marks = []; // every tenth of a star
  for (let bin = Math.ceil(low / 10) * 10; bin < high; bin += 10) {
    marks.push([bin, (bin * WIDTH_OF_BIN).toFixed(1)]);
  }
  drawAxes(picture, x, null, marks, [], "number of tests");
  const bars = shape("g", {});
  picture.append(bars, words(WIDTH, 11, "RMSE in stars", "end"));

  const left = {}; // the figures that are still to come
  const drawn = {};
  for (const size of sizes) {
    left[size] = shuffled(numbers[size]);
    drawn[size] = [];
  }
  const chosen = () => Number(form.rows.value);

  function draw() {
    const figures = drawn[chosen()];
    const counts = {};
    for (const figure of figures) {
      const bin = Math.floor(figure / WIDTH_OF_BIN);
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    const room = BOTTOM - HEIGHT_OF_SPREAD - 14; // bars do not touch the spread
    const unit = Math.min(HIGHEST_TEST, room / Math.max(...Object.values(counts), 1));
    bars.replaceChildren();
    const width = x(1) - x(0) - 1;
    for (const [bin, count] of Object.entries(counts)) {
      const height = count * unit;
      bars.append(shape("rect", { class: "blue", x: x(Number(bin)), y: BOTTOM - height, width, height }));
    }
    if (figures.length === 0) return;
    const last = Math.floor(figures.at(-1) / WIDTH_OF_BIN);
    const top = BOTTOM - counts[last] * unit;
    bars.append(shape("rect", { class: "orange", x: x(last), y: top, width, height: unit }));
    if (figures.length < 2) return;
    const [mean, spread] = meanAndSpread(figures).map((number) => number / WIDTH_OF_BIN);
    bars.append(line("spread", x(mean - spread), HEIGHT_OF_SPREAD, x(mean + spread), HEIGHT_OF_SPREAD));
    bars.append(line("spread", x(mean), HEIGHT_OF_SPREAD - 6, x(mean), HEIGHT_OF_SPREAD + 6));
  }

  function update() {
    const size = chosen();
    const figures = drawn[size];
    const isOver = left[size].length === 0;
    form.querySelectorAll("button").forEach((item) => item.setAttribute("aria-disabled", isOver));
    draw();
    let text = `<p>No test of ${size} rows yet.</p>`;
    if (figures.length) text = `<p>The last test: RMSE <b>${figures.at(-1).toFixed(3)}</b>.`;
    if (isOver) text += ` All ${numbers[size].length} sets of ${size} rows are used.`;
    const rows = sizes
      .filter((other) => drawn[other].length > 1)
      .map((other) => {
        const [mean, spread] = meanAndSpread(drawn[other]);
        return [other, drawn[other].length, mean.toFixed(3), spread.toFixed(3)];
      });
    if (rows.length) text += tableOf([["rows", "tests", "mean", "spread"], ...rows]);
    told.innerHTML = text;
  }

  form.addEventListener("change", update);
  onPress(form, (name) => {
    const size = chosen();
    const n = name === "all" ? left[size].length : Number(name);
    drawn[size].push(...left[size].splice(0, n));
    update();
  });
  update();
}

// ------------------------------------------------------------- the size of a leak

function playNoise(place, { sizes, before, inside }) {
  const ENOUGH = 3; // guesses, before the rule is shown
  const SIZE_AT_FIRST = 10; // that of the chapter
  const LOWEST = -0.2; // R2 of the axis, and of a guess
  const [form, picture, told] = fill(
    place,
    "How well can you predict noise?",
    `The ratings are shuffled: there is nothing to predict. Averages made before the split contain
    the answers. What R2 do they reach? Choose the ratings per user, guess, and look.`,
    slider("size", "Ratings per user:", 0, sizes.length - 1, 1, sizes.indexOf(SIZE_AT_FIRST)) +
      slider("guess", "Your guess of R2:", LOWEST, 1, 0.02, 0) +
      `<div class="buttons">${button("show", "Show R2")}</div>`,
    "R2 on shuffled ratings, for the ratings per user that you have tried",
  );
  const x = makeScale([Math.log(sizes[0]), Math.log(sizes.at(-1))], [LEFT + 10, WIDTH - 12]);
  const y = makeScale([LOWEST, 1], [BOTTOM, TOP]);
  const at = (index) => x(Math.log(sizes[index]));
  drawAxes(
    picture, at, y,
    sizes.map((size, index) => [index, String(size)]),
    [[0, "0"], [0.5, "0.5"], [1, "1"]],
    "R2 on the test rows, by ratings per user",
  );
  picture.append(line("axes", LEFT, y(0), WIDTH, y(0)));
  picture.append(words(WIDTH, 40, "averages made before the split", "end", "orange"));
  picture.append(words(WIDTH, 56, "made in the pipeline, cross-fitted", "end", "blue"));
  picture.append(words(WIDTH, 72, "your guesses (circles)", "end"));
  const pathOfRule = pathOf(sizes.map((size, index) => [at(index), y(1 / size)]));
  const rule = shape("path", { class: "reference", visibility: "hidden", d: pathOfRule });
  const now = shape("circle", { class: "now", r: 6 });
  const points = shape("g", {});
  picture.append(rule, points, now);
  const guesses = new Map(); // by the place of the slider

  function update() {
    const index = Number(form.size.value);
    const guess = guesses.get(index) ?? Number(form.guess.value);
    const isShown = guesses.has(index);
    tellBeside(form.size, sizes[index]);
    tellBeside(form.guess, Number(form.guess.value).toFixed(2));
    form.show.setAttribute("aria-disabled", isShown);
    now.setAttribute("cx", at(index));
    now.setAttribute("cy", y(guess));

    let text = `<p>With ${sizes[index]} ratings per user: not shown yet.</p>`;
    if (isShown) {
      text = `<p>With ${sizes[index]} ratings per user, averages made before the split reach R2
        <b>${before[index].toFixed(3)}</b>; made in the pipeline, ${inside[index].toFixed(3)}.
        Your guess, ${guess.toFixed(2)}, is off by ${Math.abs(guess - before[index]).toFixed(2)}.</p>`;
    }
    if (guesses.size > 1) {
      const errors = [...guesses].map(([i, guessed]) => Math.abs(guessed - before[i]));
      text += `<p>On average, your ${errors.length} guesses are off by
        ${meanAndSpread(errors)[0].toFixed(2)}.</p>`;
    }
    if (guesses.size >= ENOUGH) {
      text += "<p>The dashed line is 1 / (ratings per user). Does it help you to guess the others?</p>";
    }
    const rows = [...guesses.keys()]
      .sort((a, b) => a - b)
      .map((i) => [sizes[i], guesses.get(i).toFixed(2), before[i].toFixed(3), inside[i].toFixed(3)]);
    const head = ["ratings<br>per user", "your<br>guess", "before<br>the split", "in the<br>pipeline"];
    if (rows.length) text += tableOf([head, ...rows]);
    told.innerHTML = text;
  }

  onPress(form, () => {
    const index = Number(form.size.value);
    const guess = Number(form.guess.value);
    guesses.set(index, guess);
    points.append(shape("circle", { class: "now", cx: at(index), cy: y(guess), r: 6 }));
    points.append(shape("circle", { class: "blue", cx: at(index), cy: y(inside[index]), r: 4 }));
    points.append(shape("circle", { class: "orange", cx: at(index), cy: y(before[index]), r: 4 }));
    if (guesses.size >= ENOUGH) rule.setAttribute("visibility", "visible");
    update();
  });

  addNote(place, "Each R2 is the mean of five tables of 1000 users, with the models of this chapter.");
  form.addEventListener("input", update);
  update();
}

// ------------------------------------------------------------- the cost of a threshold

function playThreshold(place, { rows, likes, yes, right }) {
  const [form, picture, told] = fill(
    place,
    "Which threshold is the cheapest?",
    "A bad evening costs 1. Say what a missed movie costs, and look for the threshold with the lowest point of the curve.",
    slider("cost", "A missed movie costs", 0.5, 10, 0.5, 2) +
      slider("threshold", "Say yes if p is above", 0.01, 0.99, 0.01, 0.5) +
      `<div class="buttons">${button("rule", "Take 1 / (1 + cost)")}</div>`,
    "Cost of 100 rows, for each threshold",
  );
  const HIGHEST = 100; // cost that is drawn
  const x = makeScale([0, 1], [LEFT, WIDTH - 8]);
  const y = makeScale([0, HIGHEST], [BOTTOM, TOP]);
  drawAxes(
    picture, x, y,
    [[0, "0"], [0.25, "0.25"], [0.5, "0.5"], [0.75, "0.75"], [1, "threshold"]],
    [[0, "0"], [50, "50"], [100, "100"]],
    "cost of 100 rows",
  );
  const rule = line("reference", 0, TOP, 0, BOTTOM);
  const nameOfRule = words(0, 36, "1 / (1 + cost)");
  const curve = shape("path", { class: "curve" });
  const point = shape("circle", { class: "orange", r: 7 });
  picture.append(rule, nameOfRule, curve, point);

  // Of 100 rows, by the threshold in hundredths.
  const badEvenings = (hundredths) => (100 * (yes[hundredths - 1] - right[hundredths - 1])) / rows;
  const missed = (hundredths) => (100 * (likes - right[hundredths - 1])) / rows;

  function update() {
    const cost = Number(form.cost.value);
    const chosen = Math.round(100 * form.threshold.value); // in hundredths, as all below
    tellBeside(form.cost, cost);
    tellBeside(form.threshold, (chosen / 100).toFixed(2));

    const costs = yes.map((_, index) => badEvenings(index + 1) + cost * missed(index + 1));
    const visible = costs.map((value, index) => [x((index + 1) / 100), y(value), value]);
    curve.setAttribute("d", pathOf(visible.filter(([, , value]) => value <= HIGHEST)));
    const byRule = Math.round(100 / (1 + cost));
    const cheapest = costs.indexOf(Math.min(...costs)) + 1;
    rule.setAttribute("transform", `translate(${x(1 / (1 + cost))})`);
    nameOfRule.setAttribute("x", x(1 / (1 + cost)) + 5);
    point.setAttribute("cx", x(chosen / 100));
    point.setAttribute("cy", Math.max(y(costs[chosen - 1]), TOP));

    const nYes = yes[chosen - 1];
    const precision = nYes ? (right[chosen - 1] / nYes).toFixed(2) : "none";
    // A number such as 16.65 is kept as a little less; it becomes 16.7, as in the chapter.
    const oneDecimal = (number) => (number + 1e-9).toFixed(1);
    told.innerHTML =
      `<p>100 rows cost <b>${oneDecimal(costs[chosen - 1])}</b>. The rule, 1 / (1 + ${cost}), is ${(byRule / 100).toFixed(2)}:
      with it, they cost ${oneDecimal(costs[byRule - 1])}. The cheapest of all thresholds on these rows,
      ${(cheapest / 100).toFixed(2)}: ${oneDecimal(costs[cheapest - 1])}.</p>` +
      tableOf([
        ["of 100 rows", ""],
        ["yes", oneDecimal((100 * nYes) / rows)],
        ["bad evenings", oneDecimal(badEvenings(chosen))],
        ["good movies missed", oneDecimal(missed(chosen))],
        ["precision", precision],
        ["recall", (right[chosen - 1] / likes).toFixed(2)],
      ]);
  }

  onPress(form, () => {
    form.threshold.value = 1 / (1 + Number(form.cost.value));
    update();
  });
  form.addEventListener("input", update);
  update();
}

// --------------------------------------------------- a test at which one looks every day

function playLooks(place, { rate, visits }) {
  const LIMIT = 1.96; // standard errors
  const N_DRAWN = 100; // more lines would be a grey wall
  const [form, picture, told] = fill(
    place,
    "Run a test in which A and B are the same",
    `${visits[0]} visits of each model a day, for ${visits.length} days. Will somebody who looks every day announce a winner?`,
    `<div class="buttons">${button("1", "Run a test")}${button("100", "100 more tests")}</div>`,
    "B - A in standard errors, day by day, in the tests that you have run",
  );
  const x = makeScale([0, visits.length], [LEFT, WIDTH - 8]);
  const y = makeScale([-4, 4], [BOTTOM, TOP]);
  drawAxes(
    picture, x, y,
    [[7, "7"], [14, "14"], [21, "21"], [28, "day 28"]],
    [-LIMIT, 0, LIMIT].map((value) => [value, String(value)]),
    "B - A in standard errors",
  );
  for (const value of [-LIMIT, 0, LIMIT]) {
    picture.append(line(value ? "reference" : "axes", LEFT, y(value), WIDTH, y(value)));
  }
  const others = shape("path", { class: "others" });
  const now = shape("path", { class: "curve", pathLength: 1 });
  const alarm = shape("circle", { class: "orange", r: 6, visibility: "hidden" });
  picture.append(others, now, alarm);
  let paths = []; // of the last tests
  const counts = { tests: 0, everyDay: 0, atTheEnd: 0 };

  function successesOf(nVisits) {
    let n = 0;
    for (let visit = 0; visit < nVisits; visit += 1) n += Math.random() < rate;
    return n;
  }

  // Return B - A in standard errors, up to each day.
  function runTest() {
    let [a, b] = [0, 0];
    return visits.map((n, day) => {
      const today = n - (visits[day - 1] ?? 0);
      a += successesOf(today);
      b += successesOf(today);
      return (b - a) / n / Math.sqrt((2 * rate * (1 - rate)) / n);
    });
  }

  function run(nTests) {
    let distances = [];
    let firstAlarm = -1;
    for (let number = 0; number < nTests; number += 1) {
      distances = runTest();
      firstAlarm = distances.findIndex((distance) => Math.abs(distance) > LIMIT);
      counts.tests += 1;
      counts.everyDay += firstAlarm >= 0;
      counts.atTheEnd += Math.abs(distances.at(-1)) > LIMIT;
      paths.push(pathOf([[x(0), y(0)], ...distances.map((distance, day) => [x(day + 1), y(distance)])]));
    }
    now.setAttribute("d", paths.at(-1));
    now.classList.remove("drawn");
    now.getBoundingClientRect(); // so that it is drawn anew
    now.classList.add("drawn");
    paths = paths.slice(-N_DRAWN);
    others.setAttribute("d", paths.slice(0, -1).join(""));
    alarm.setAttribute("visibility", firstAlarm < 0 ? "hidden" : "visible");
    if (firstAlarm >= 0) {
      alarm.setAttribute("cx", x(firstAlarm + 1));
      alarm.setAttribute("cy", y(distances[firstAlarm]));
    }

    let text = "In the last test, nobody would have announced a winner.";
    if (firstAlarm >= 0) {
      const winner = distances[firstAlarm] > 0 ? "B" : "A";
      text = `In the last test, on day ${firstAlarm + 1}: “${winner} is better!” But they are the same.`;
    }
    const row = (n) => [n, percent(n / counts.tests)];
    told.innerHTML =
      `<p>${text}</p>` +
      tableOf([
        [counts.tests === 1 ? "1 test" : `${counts.tests} tests`, "false alarms", ""],
        ["looking every day", ...row(counts.everyDay)],
        ["looking once, at the end", ...row(counts.atTheEnd)],
      ]);
  }

  onPress(form, (name) => run(Number(name)));
}

// ------------------------------------------------- groups, or one cloud? (and KMeans)

function playGroups(place, rounds) {
  const HEIGHT_OF_POINTS = 230; // the silhouettes are drawn under them
  const COLOURS = ["blue", "orange", "pink"];
  const [form, picture, told] = fill(
    place,
    "You against KMeans",
    `Each round shows ${rounds[0].x.length} points: one cloud, or two or three groups, which may
    overlap. Groups can be hard to see. What do you say?`,
    `<div class="buttons">${button("groups", "Groups")}${button("cloud", "One cloud")}
    ${button("next", "Next round")}</div>`,
    "The points of this round, and silhouettes",
  );
  picture.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT_OF_POINTS + 70}`);
  const points = shape("g", {});
  const silhouettes = shape("g", {});
  picture.append(points, silhouettes);
  const all = rounds.flatMap((round) => [round.silhouette, ...round.controls]);
  const lowest = Math.floor(10 * Math.min(...all)); // in tenths
  const highest = Math.ceil(10 * Math.max(...all));
  const x = makeScale([lowest / 10, highest / 10], [10, WIDTH - 10]);
  let left; // the rounds that are still to come
  let isAnswered;
  let played; // how many rounds
  let right; // how often each was right

  // The scale is the same in both directions, or else the shape would be another.
  function drawPoints({ x: xs, y: ys, sizes }) {
    const limits = [xs, ys].map((values) => [Math.min(...values), Math.max(...values)]);
    const [width, height] = limits.map(([low, high]) => high - low);
    const [middleOfX, middleOfY] = limits.map(([low, high]) => (low + high) / 2);
    const unit = Math.min((WIDTH - 10) / width, (HEIGHT_OF_POINTS - 10) / height);
    const clusters = sizes.flatMap((size, cluster) => Array(size).fill(cluster));
    points.replaceChildren();
    for (const [index, cluster] of clusters.entries()) { // the points are sorted by it
      const cx = WIDTH / 2 + unit * (xs[index] - middleOfX);
      const cy = HEIGHT_OF_POINTS / 2 - unit * (ys[index] - middleOfY);
      const colour = isAnswered ? COLOURS[cluster] : "grey";
      points.append(shape("circle", { class: colour, cx: cx.toFixed(1), cy: cy.toFixed(1), r: 3 }));
    }
  }

  function drawSilhouettes({ silhouette, controls }) {
    silhouettes.replaceChildren();
    if (!isAnswered) return;
    const middle = HEIGHT_OF_POINTS + 38;
    silhouettes.append(line("axes", 0, middle + 9, WIDTH, middle + 9));
    silhouettes.append(words(0, HEIGHT_OF_POINTS + 20, "silhouettes of ten controls", "start", "grey"));
    silhouettes.append(words(WIDTH, HEIGHT_OF_POINTS + 20, "of these points", "end"));
    for (let tenths = lowest; tenths <= highest; tenths += 1) {
      silhouettes.append(words(x(tenths / 10), middle + 26, (tenths / 10).toFixed(1), "middle"));
    }
    for (const control of controls) {
      silhouettes.append(shape("circle", { class: "grey", cx: x(control), cy: middle, r: 4 }));
    }
    silhouettes.append(shape("circle", { class: "own", cx: x(silhouette), cy: middle, r: 6 }));
  }

  function score() {
    const row = (name, n) => [name, n, played ? percent(n / played) : ""];
    return tableOf([
      [`right answers in ${played === 1 ? "1 round" : `${played} rounds`}`, "", ""],
      row("you", right.you),
      row("“KMeans finds groups, so there are groups”", right.kmeans),
      row("control: far above it means groups", right.control),
    ]);
  }

  function show(text) {
    form.groups.setAttribute("aria-disabled", isAnswered);
    form.cloud.setAttribute("aria-disabled", isAnswered);
    form.next.setAttribute("aria-disabled", !isAnswered);
    form.next.textContent = isAnswered && left.length === 1 ? "Play again" : "Next round";
    drawPoints(left[0]);
    drawSilhouettes(left[0]);
    told.innerHTML = text + score();
  }

  // Return who has won, after the last round.
  function tellTheEnd() {
    const compare = (name, n) => {
      if (right.you === n) return `as often right as ${name}`;
      return `${right.you > n ? "more" : "less"} often right than ${name}`;
    };
    return `<p>That was the last round. You were ${compare("KMeans", right.kmeans)}, and
      ${compare("the control", right.control)}.</p>`;
  }

  function ask() {
    isAnswered = false;
    show(`<p>Round ${played + 1} of ${rounds.length}: groups, or one cloud?</p>`);
  }

  function start() {
    left = shuffled(rounds);
    played = 0;
    right = { you: 0, kmeans: 0, control: 0 };
    ask();
  }

  function answer(saysGroups) {
    const { groups, sizes, silhouette, controls, above } = left[0];
    const areGroups = groups > 1;
    isAnswered = true;
    played += 1;
    right.you += saysGroups === areGroups;
    right.kmeans += areGroups;
    right.control += above === areGroups;
    const [mean] = meanAndSpread(controls);
    const end = left.length === 1 ? tellTheEnd() : "";
    const truth = areGroups ? `There are ${groups} groups` : "It is one cloud";
    show(`<p><b>${saysGroups === areGroups ? "Right" : "Wrong"}.</b> ${truth}. KMeans, asked for
      ${sizes.length}, finds ${sizes.length}: see the colours. Their silhouette is
      <b>${silhouette.toFixed(3)}</b>; the mean of ten controls is ${mean.toFixed(3)}. So the control says:
      ${above ? "groups" : "one cloud"}.</p>${end}`);
  }

  onPress(form, (name) => {
    if (name !== "next") return answer(name === "groups");
    left.shift();
    if (left.length) ask();
    else start();
  });
  addNote(
    place,
    `A control is a Gaussian with the mean and the covariance of the points. It says “groups”
    if their silhouette is above the mean of ten controls by more than twice the spread of these.`,
  );
  start();
}

const PLAYS = {
  "play-tree": playTree,
  "play-luck": playLuck,
  "play-noise": playNoise,
  "play-threshold": playThreshold,
  "play-groups": playGroups,
  "play-looks": playLooks,
};
for (const [name, play] of Object.entries(PLAYS)) {
  const place = document.getElementById(name);
  if (place) play(place, JSON.parse(place.dataset.numbers)); // from `play.py`
}
