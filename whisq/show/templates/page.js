"use strict";
// A column's heading sorts its table: figures by value, text by letter, blanks always last.
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.parentElement;
    const table = head.closest("table");
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (row) => row.cells[head.cellIndex].dataset.key;
    const figures = head.classList.contains("number");
    const order = (one, two) => {
      const [a, b] = [key(one), key(two)];
      if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
      return (down ? -1 : 1) * (figures ? a - b : a.localeCompare(b));
    };
    table.tBodies[0].append(...[...table.tBodies[0].rows].sort(order));
  });
}
// While a clip plays a line moves over its maps; a click on a map goes there.
for (const clip of document.querySelectorAll(".clip")) {
  const audio = clip.querySelector("audio");
  const fields = [...clip.querySelectorAll(".field")];
  if (!audio || !fields.length) continue;
  const length = (field) => Number(field.dataset.seconds);
  const draw = () => {
    for (const field of fields) {
      const share = Math.min(1, audio.currentTime / length(field));
      field.querySelector(".cursor").style.left = `${100 * share}%`;
    }
    if (!audio.paused) requestAnimationFrame(draw);
  };
  for (const event of ["play", "seeked", "timeupdate"]) audio.addEventListener(event, draw);
  for (const field of fields) {
    field.addEventListener("click", (event) => {
      const box = field.getBoundingClientRect();
      audio.currentTime = ((event.clientX - box.left) / box.width) * length(field);
    });
  }
}
