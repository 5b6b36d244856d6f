// Where the pointer is over a chart, its legend shows the values there.
"use strict";
for (const chart of document.querySelectorAll(".chart")) {
  const plot = chart.querySelector(".plot");
  const hair = plot.querySelector(".hair");
  const when = chart.querySelector(".when");
  const cells = [...chart.querySelectorAll(".value")];
  const before = [when, ...cells].map((element) => element.textContent);
  const lines = [...plot.querySelectorAll("[data-steps]")].map((path) => ({
    steps: path.dataset.steps.split(" ").map(Number),
    values: path.dataset.values.split(" "),
  }));
  const [left, right, low, high] = ["left", "right", "low", "high"].map(
    (name) => Number(plot.dataset[name]));
  const nearest = (steps, step) => steps.reduce((best, other, index) =>
    Math.abs(other - step) < Math.abs(steps[best] - step) ? index : best, 0);
  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    const across = (event.clientX - box.left) / box.width;
    const x = across * plot.viewBox.baseVal.width;
    const step = low + (x - left) / (right - left) * (high - low);
    const found = lines.map((line) => nearest(line.steps, step));
    const steps = lines.map((line, index) => line.steps[found[index]]);
    const at = steps[nearest(steps, step)];
    when.textContent = "near step " + at.toLocaleString("en");
    cells.forEach((cell, index) => {
      const value = lines[index].values[found[index]];
      cell.textContent = value === "-" ? "no number" : value;
    });
    const place = left + (at - low) / (high - low) * (right - left);
    hair.setAttribute("transform", `translate(${place})`);
    hair.setAttribute("visibility", "visible");
  });
  plot.addEventListener("pointerleave", () => {
    [when, ...cells].forEach((element, index) => {
      element.textContent = before[index];
    });
    hair.setAttribute("visibility", "hidden");
  });
}
