// The powder X-ray pattern of the selected structure: a line per peak, the strongest ones named.
report.pattern = (function () {
  const { add, element } = report.svg;
  const box = document.getElementById("pattern");
  const link = document.getElementById("pattern-link");
  const table = document.getElementById("peaks");
  const title = document.getElementById("pattern-title");
  const note = document.getElementById("pattern-note");
  const LEFT = 62, RIGHT = 16, TOP = 30, BOTTOM = 50, HEIGHT = 300, FIT_HEIGHT = 380;
  const FIRST = 10, LAST = 90; // degrees, as most diffractometers measure
  const NAMED = 10; // weaker peaks than this bear no indices
  let shown = null, drawnWidth = 0;

  // "2 0 0" as "200"; signs and longer numbers keep the blanks apart. Of several families the first.
  function shortName(indices) {
    const first = indices.split(" + ")[0];
    const name = /^(\d )*\d$/.test(first) ? first.replace(/ /g, "") : first.replace(/-/g, "−");
    return name + (indices.includes(" + ") ? "…" : "");
  }

  function say([angle, height, spacing, indices]) {
    return "2θ = " + angle.toFixed(2) + "°, d = " + spacing.toFixed(3) + " Å\n" + indices + "\nintensity " + height.toFixed(1);
  }

  // Names from the strongest peak on, where there is room above it.
  function nameable(peaks, x) {
    const named = [];
    for (const peak of [...peaks].sort((a, b) => b[1] - a[1])) {
      if (peak[1] < NAMED) break;
      const name = shortName(peak[3]);
      const half = 3.6 * name.length + 3;
      const near = (other, room) => Math.abs(x(other[0]) - x(peak[0])) < room;
      const struck = peaks.some((other) => other[1] > peak[1] && near(other, half));
      const touched = named.some((other) => near(other.peak, half + other.half));
      if (!struck && !touched) named.push({ peak, name, half });
    }
    return named;
  }

  // Measured and calculated profile, the reflections, and the difference below them.
  function drawFit(width) {
    const { two_theta: angles, observed, calculated } = shown.fit.curves;
    const difference = observed.map((height, i) => height - calculated[i]);
    const highest = difference.reduce((most, value) => Math.max(most, value), 0);
    const lowest = difference.reduce((least, value) => Math.min(least, value), 0);
    const base = -8 - highest;
    const svg = element("svg", {
      viewBox: "0 0 " + width + " " + FIT_HEIGHT, role: "img",
      "aria-label": "Measured pattern and the fit of structure " + shown.rank,
    });
    const { x, y } = report.axes(svg, { left: LEFT, right: width - RIGHT, top: TOP, bottom: FIT_HEIGHT - BOTTOM }, {
      x: { from: angles[0], to: angles[angles.length - 1], name: "2θ (°)", ticks: width < 520 ? 5 : 9 },
      y: { from: Math.min(base + lowest, base - 2), to: 106, name: "intensity (%)", ticks: 5 },
    });
    const path = (heights, shift) => heights.map((height, i) => (i ? "L" : "M") + x(angles[i]).toFixed(1) + " " + y(height + shift).toFixed(1)).join("");
    for (const [i, angle] of angles.entries()) {
      add(svg, "circle", { cx: x(angle).toFixed(1), cy: y(observed[i]).toFixed(1), r: 1.1, class: "measured" });
    }
    add(svg, "path", { d: path(calculated, 0), class: "calculated" });
    add(svg, "path", { d: path(difference, base), class: "difference" });
    for (const mark of shown.fit.marks) {
      if (mark < angles[0] || mark > angles[angles.length - 1]) continue;
      add(svg, "line", { x1: x(mark).toFixed(1), x2: x(mark).toFixed(1), y1: y(-2), y2: y(-6), class: "reflection" });
    }
    for (const angle of shown.fit.unexplained_two_theta) {
      const place = x(angle).toFixed(1);
      const sign = add(svg, "text", { x: place, y: y(101), "text-anchor": "middle", class: "unexplained" }, "▼");
      add(sign, "title", {}, "2θ = " + angle.toFixed(2) + "°: not explained");
    }
    box.appendChild(svg);
  }

  function draw() {
    const width = report.chartWidth(box);
    if (!shown || width === drawnWidth) return;
    drawnWidth = width;
    if (shown.fit && shown.fit.curves) {
      box.textContent = "";
      drawFit(width);
      return;
    }
    const peaks = shown.pattern;
    box.textContent = "";
    const svg = element("svg", {
      viewBox: "0 0 " + width + " " + HEIGHT, role: "img",
      "aria-label": "Powder pattern of structure " + shown.rank + ": intensity against 2θ; the peaks stand in the table below",
    });
    const from = Math.min(FIRST, Math.floor(peaks[0][0] - 1));
    const { x, y } = report.axes(svg, { left: LEFT, right: width - RIGHT, top: TOP, bottom: HEIGHT - BOTTOM }, {
      x: { from, to: LAST, name: "2θ (°), Cu Kα", ticks: width < 520 ? 5 : 9 },
      y: { from: 0, to: 100, name: "intensity (%)", ticks: 5 },
    });
    for (const peak of peaks) {
      const line = add(svg, "g", { class: "peak" });
      const ends = { x1: x(peak[0]).toFixed(2), x2: x(peak[0]).toFixed(2), y1: y(0), y2: y(peak[1]).toFixed(2) };
      add(line, "title", {}, say(peak));
      add(line, "line", { ...ends, class: "reach" });
      add(line, "line", ends);
    }
    for (const { peak, name } of nameable(peaks, x)) {
      add(svg, "text", { x: x(peak[0]), y: y(peak[1]) - 5, "text-anchor": "middle", "font-size": 12, "pointer-events": "none" }, name);
    }
    box.appendChild(svg);
  }

  function show(structure) {
    shown = structure.pattern.length ? structure : null;
    drawnWidth = 0;
    box.closest(".pair").classList.toggle("wide", Boolean(shown && shown.fit && shown.fit.curves));
    report.save.allow("pattern", shown !== null);
    link.hidden = document.getElementById("peaks-box").hidden = !shown;
    if (title && shown && shown.fit) {
      title.textContent = "Powder pattern";
      note.textContent = note.dataset.fit.replace("R", shown.fit.r_wp === null ? "" : "R_wp " + (100 * shown.fit.r_wp).toFixed(1) + " %. ");
    }
    const body = table.tBodies[0];
    body.textContent = "";
    if (!shown) {
      box.textContent = "No pattern can be simulated: an element has no tabulated scattering factor.";
      return;
    }
    for (const [angle, height, spacing, indices] of structure.pattern) {
      const row = body.insertRow();
      for (const text of [angle.toFixed(2), spacing.toFixed(4), height.toFixed(1)]) row.insertCell().textContent = text;
      const planes = row.insertCell();
      planes.className = "text";
      planes.textContent = indices;
    }
    const lines = structure.pattern.map(([angle, height, spacing, indices]) => [angle, spacing, height, indices].join(","));
    link.href = "data:text/csv;charset=utf-8," + encodeURIComponent(["two_theta_deg,d_a,intensity,hkl", ...lines, ""].join("\n"));
    link.download = structure.file.replace(/\.cif$/, "_xrd.csv");
    draw();
  }

  window.addEventListener("resize", draw);
  return { show };
})();
