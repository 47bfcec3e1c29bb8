// What the browser's tests ask of a page that is open.
function pictures() {
  const folded = (one) => one.closest("details:not([open])");
  const flat = (one) => {
    const box = one.getBoundingClientRect();
    return box.width < 20 || box.height < 10;
  };
  const images = [...document.images];
  const drawings = [...document.querySelectorAll("figure > svg")];
  const missing = [
    ...images.filter((one) => !one.complete || !one.naturalWidth || flat(one)),
    ...drawings.filter((one) => !folded(one) && (flat(one) || !one.querySelector("path"))),
  ];
  return [images.length + drawings.length, missing.length];
}

function play(done) {
  const audio = document.querySelector("audio");
  const cursor = document.querySelector(".cursor");
  audio.muted = true;
  audio.addEventListener("timeupdate", () => {
    const at = audio.currentTime;
    if (at > 0) done({ duration: audio.duration, at, cursor: parseFloat(cursor.style.left) });
  });
  audio.play().catch((error) => done({ error: String(error) }));
}

// The lowest ratio of luminances of text and page, as WCAG 2 defines it.
function contrast() {
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const light = (colour) => {
    const [red, green, blue] = colour.match(/[\d.]+/g).map((part) => linear(part / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const page = light(getComputedStyle(document.body).backgroundColor);
  const texts = [...document.querySelectorAll("p, a, td, th, figcaption, summary, dt")];
  const ratios = texts.map((one) => {
    const ink = light(getComputedStyle(one).color);
    return (Math.max(ink, page) + 0.05) / (Math.min(ink, page) + 0.05);
  });
  return Math.min(...ratios);
}

function nameless() {
  const all = document.querySelectorAll("img, audio, [role=region], button, a, table");
  return [...all].filter((one) => !(one.alt || one.ariaLabel || one.textContent.trim())).length;
}

// Sorts by the first heading of figures that can be seen; says in what order its column is.
function sort() {
  const seen = (one) => one.getClientRects().length > 0;
  const button = [...document.querySelectorAll("th.number button")].find(seen);
  button.click();
  const head = button.parentElement;
  const rows = [...head.closest("table").tBodies[0].rows];
  const keys = rows.map((row) => row.cells[head.cellIndex].dataset.key);
  return [head.getAttribute("aria-sort"), keys.map((key) => (key === undefined ? null : +key))];
}
