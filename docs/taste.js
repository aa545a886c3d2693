// "Where are you on the map?", on the page of the chapter `pillars/4_taste.py`.
//
// The reader rates the five movies of the small table. As in the chapter, two numbers are
// learned from these stars, by a ridge regression on the movies' numbers: they are the
// place of the point "you". Nothing is stored or sent.

const place = document.getElementById("play-taste");
const { penalty, movies, users } = JSON.parse(place.dataset.numbers); // from `play.py`
const MIDDLE = 3; // of the scale from 1 to 5 stars

// Of the map, in pixels. It has room for every point that stars can lead to.
const WIDTH = 330;
const HEIGHT = 360;
const UNIT = 74;

const WORDS = `
  <h3>Where are you on the map?</h3>
  <p>Each movie and each user is a point: its two numbers. Rate the movies that you have
  seen. Yours are learned from your stars by ridge, as Ann's were. (It is a game: five
  movies say little about a taste.)</p>
  <div class="parts"><div class="column"><form></form><div role="status"></div></div>
  <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"
    aria-label="Map of the movies (squares), the users (circles) and you (diamond)">
    <path class="axes" d="M0 ${HEIGHT / 2}H${WIDTH}M${WIDTH / 2} 0V${HEIGHT}"/>
  </svg></div>`;

// Return the two numbers of ratings ({title: stars}): (X'X + penalty I) u = X'y.
function learnNumbers(ratings) {
  let [a, b, d] = [penalty, 0, penalty]; // the matrix is [[a, b], [b, d]]
  let [first, second] = [0, 0];
  for (const [title, stars] of Object.entries(ratings)) {
    const [x, z] = movies[title];
    const y = stars - MIDDLE;
    a += x * x;
    b += x * z;
    d += z * z;
    first += x * y;
    second += z * y;
  }
  const determinant = a * d - b * b;
  return [(d * first - b * second) / determinant, (a * second - b * first) / determinant];
}

function predictStars(numbers, title) {
  const sum = numbers[0] * movies[title][0] + numbers[1] * movies[title][1];
  return Math.min(5, Math.max(1, MIDDLE + sum));
}

function nearestUser(numbers) {
  const distance = (name) =>
    Math.hypot(users[name][0] - numbers[0], users[name][1] - numbers[1]);
  return Object.keys(users).reduce((best, name) =>
    distance(name) < distance(best) ? name : best,
  );
}

// Return a row of native radio buttons: "not seen", and the stars.
function rowOfMovie(title) {
  let row = `<div class="movie" role="radiogroup" aria-label="${title}"><b>${title}</b>`;
  row += `<label class="gap"><input type="radio" name="${title}" value="" checked>`;
  row += "<span>not seen</span></label>";
  for (let stars = 1; stars <= 5; stars += 1) {
    const words = stars === 1 ? "1 star" : `${stars} stars`;
    row += `<label class="star" title="${words}"><input type="radio" name="${title}"`;
    row += ` value="${stars}" aria-label="${words}"><span aria-hidden="true">★</span></label>`;
  }
  return `${row}</div>`;
}

const moveTo = ([first, second]) =>
  `translate(${WIDTH / 2 + UNIT * first}px, ${HEIGHT / 2 - UNIT * second}px)`;

// Add a point with its name: left of it, right of it, or above.
function addPoint(map, kind, name, numbers) {
  const shapes = {
    user: '<circle r="5"/><text x="-9" y="4" text-anchor="end">',
    movie: '<rect x="-5" y="-5" width="10" height="10"/><text x="9" y="4">',
    you: '<path d="M0 -9L9 0L0 9L-9 0Z"/><text y="-13" text-anchor="middle">',
  };
  const point = document.createElementNS("http://www.w3.org/2000/svg", "g");
  point.setAttribute("class", kind);
  point.innerHTML = `${shapes[kind]}${name}</text>`;
  point.style.transform = moveTo(numbers);
  map.append(point);
  return point;
}

place.innerHTML = WORDS;
const form = place.querySelector("form");
const map = place.querySelector("svg");
const answer = place.querySelector("[role='status']");
form.innerHTML = Object.keys(movies).map(rowOfMovie).join("");
for (const [name, numbers] of Object.entries(movies)) addPoint(map, "movie", name, numbers);
for (const [name, numbers] of Object.entries(users)) addPoint(map, "user", name, numbers);
const you = addPoint(map, "you", "you", [0, 0]);

function update() {
  const ratings = {};
  for (const [title, stars] of new FormData(form)) {
    if (stars) ratings[title] = Number(stars);
  }
  const numbers = learnNumbers(ratings);
  you.style.transform = moveTo(numbers);
  // Near the upper edge, its name is under the point.
  you.querySelector("text").setAttribute("y", numbers[1] > 1.9 ? 22 : -13);
  if (Object.keys(ratings).length === 0) {
    answer.innerHTML = "<p>Rate a movie: the point “you” leaves the middle.</p>";
    return;
  }
  if (numbers.every((number) => Math.abs(number) < 0.05)) {
    answer.innerHTML =
      "<p>By these stars you are in the middle: they show no taste. Rate one higher or lower.</p>";
    return;
  }
  const left = Object.keys(movies).filter((title) => !(title in ratings));
  const rows = left.map(
    (title) => `<li>${title}: <b>${predictStars(numbers, title).toFixed(1)} stars</b></li>`,
  );
  const words = left.length
    ? "By the sums, you would give:"
    : "You have rated all: set one to “not seen”, to see what the sum gives.";
  answer.innerHTML = `<p>You are nearest to <b>${nearestUser(numbers)}</b>. ${words}</p>`;
  if (left.length) answer.innerHTML += `<ul>${rows.join("")}</ul>`;
}

form.addEventListener("change", update);
update();
place.hidden = false;
