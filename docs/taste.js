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
  <p>Each movie and each user is a point: its two numbers. What counts is its direction
  from the middle. Rate the movies that you have seen: your numbers are learned from your
  stars by ridge, as Ann's were. (It is a game: five movies say little about a taste.)</p>
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

// Return the user whose direction from the middle is most like that of the numbers.
function userOfDirection([first, second]) {
  const likeness = (name) => {
    const [x, z] = users[name];
    return (x * first + z * second) / Math.hypot(x, z); // the cosine, but for a factor
  };
  return Object.keys(users).reduce((best, name) =>
    likeness(name) > likeness(best) ? name : best,
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

// Return where the name of a point stands on the map.
function boxOfName(point, [first, second]) {
  const { x, y, width, height } = point.querySelector("text").getBBox();
  const left = WIDTH / 2 + UNIT * first + x;
  const top = HEIGHT / 2 - UNIT * second + y;
  return { left, top, right: left + width, bottom: top + height };
}

const overlap = (one, other) =>
  one.left < other.right && other.left < one.right &&
  one.top < other.bottom && other.top < one.bottom;

const isOnMap = (box) =>
  box.left > 0 && box.right < WIDTH && box.top > 0 && box.bottom < HEIGHT;

// Put the name of "you" above, below, right or left: where it covers no other name.
function placeName(numbers) {
  const text = you.querySelector("text");
  const sides = [[0, -13, "middle"], [0, 22, "middle"], [13, 4, "start"], [-13, 4, "end"]];
  for (const [x, y, anchor] of sides) {
    text.setAttribute("x", x);
    text.setAttribute("y", y);
    text.setAttribute("text-anchor", anchor);
    const box = boxOfName(you, numbers);
    if (isOnMap(box) && !others.some((other) => overlap(box, other))) return;
  }
}

place.innerHTML = WORDS;
place.hidden = false; // names have a size only if they are shown
const form = place.querySelector("form");
const map = place.querySelector("svg");
const answer = place.querySelector("[role='status']");
form.innerHTML = Object.keys(movies).map(rowOfMovie).join("");
const others = []; // where the other names stand
for (const [kind, points] of Object.entries({ movie: movies, user: users })) {
  for (const [name, numbers] of Object.entries(points)) {
    others.push(boxOfName(addPoint(map, kind, name, numbers), numbers));
  }
}
const you = addPoint(map, "you", "you", [0, 0]);

function update() {
  const ratings = {};
  for (const [title, stars] of new FormData(form)) {
    if (stars) ratings[title] = Number(stars);
  }
  const numbers = learnNumbers(ratings);
  you.style.transform = moveTo(numbers);
  placeName(numbers);
  if (Object.keys(ratings).length === 0) {
    answer.innerHTML = "<p>Rate a movie: the point “you” leaves the middle.</p>";
    return;
  }
  if (numbers.every((number) => Math.abs(number) < 0.05)) {
    answer.innerHTML =
      "<p>By these stars you are in the middle: they show no taste. Rate one higher or lower.</p>";
    return;
  }
  const rows = Object.keys(movies).map((title) => {
    const given = title in ratings ? ` (you: ${ratings[title]})` : "";
    return `<li>${title}: <b>${predictStars(numbers, title).toFixed(1)} stars</b>${given}</li>`;
  });
  answer.innerHTML = `<p>Of all users, <b>${userOfDirection(numbers)}</b> lies most in your
    direction. By the sums, you would give:</p><ul>${rows.join("")}</ul>`;
}

form.addEventListener("change", update);
update();
