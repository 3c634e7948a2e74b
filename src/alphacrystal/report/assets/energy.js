// Energy (or log-probability) against volume, one point per candidate.
report.energy = (function () {
  const { add, element, ticks } = report.svg;
  const box = document.getElementById("energy");
  const LEFT = 74, RIGHT = 18, BOTTOM = 50;
  let rings = [], marked = null, drawnWidth = 0;

  function range(values, least) {
    const low = Math.min(...values), high = Math.max(...values);
    const margin = Math.max((high - low) * 0.08, least);
    return [low - margin, high + margin];
  }

  function start(data, pick) {
    if (!data.points.length) {
      const note = document.createElement("p");
      note.className = "quiet";
      note.textContent = "There is nothing to plot: no candidate has " + (data.relaxed ? "an energy." : "a log-probability.");
      box.appendChild(note);
      return;
    }
    draw(data, pick);
    window.addEventListener("resize", () => draw(data, pick));
  }

  // Drawn in pixels of the page, so that the letters keep their size on a narrow screen.
  function draw(data, pick) {
    const WIDTH = Math.max(320, Math.min(760, box.clientWidth || 760));
    if (WIDTH === drawnWidth) return;
    drawnWidth = WIDTH;
    const narrow = WIDTH < 520;
    const HEIGHT = narrow ? 330 : 380, TOP = narrow ? 66 : 30;
    const points = data.points;
    box.textContent = "";
    rings = [];
    const [x0, x1] = range(points.map((p) => p.volume), 0.05);
    const [y0, y1] = range(points.map((p) => p.height), 0.005);
    const x = (v) => LEFT + ((v - x0) / (x1 - x0)) * (WIDTH - LEFT - RIGHT);
    const y = (v) => HEIGHT - BOTTOM - ((v - y0) / (y1 - y0)) * (HEIGHT - BOTTOM - TOP);
    const quantity = data.relaxed ? "energy (eV/atom)" : "log-probability";
    const svg = element("svg", { viewBox: "0 0 " + WIDTH + " " + HEIGHT, role: "img", "aria-label": quantity + " against volume (Å³/atom)" });
    for (const tick of ticks(x0, x1, narrow ? 4 : 7)) {
      add(svg, "line", { x1: x(tick.value), x2: x(tick.value), y1: TOP, y2: HEIGHT - BOTTOM, class: "grid" });
      add(svg, "text", { x: x(tick.value), y: HEIGHT - BOTTOM + 18, "text-anchor": "middle", "font-size": 13 }, tick.label);
    }
    for (const tick of ticks(y0, y1, 6)) {
      add(svg, "line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick.value), y2: y(tick.value), class: "grid" });
      add(svg, "text", { x: LEFT - 8, y: y(tick.value) + 4, "text-anchor": "end", "font-size": 13 }, tick.label);
    }
    add(svg, "path", { d: "M" + LEFT + "," + TOP + "V" + (HEIGHT - BOTTOM) + "H" + (WIDTH - RIGHT), class: "axis" });
    add(svg, "text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 10, "text-anchor": "middle", "font-size": 14 }, "volume (Å³/atom)");
    add(svg, "text", {
      x: 16, y: (TOP + HEIGHT - BOTTOM) / 2, "text-anchor": "middle", "font-size": 14,
      transform: "rotate(-90 16 " + (TOP + HEIGHT - BOTTOM) / 2 + ")",
    }, quantity);
    legend(svg, points, narrow);
    points.filter((p) => p.rank === null).forEach((p) => {
      const mark = add(svg, "circle", { cx: x(p.volume), cy: y(p.height), r: 4, class: "other" });
      add(mark, "title", {}, describe(p, quantity));
    });
    // The best are drawn last, on top.
    points.filter((p) => p.rank !== null).sort((a, b) => b.rank - a.rank).forEach((p) => {
      rings[p.rank] = add(svg, "circle", { cx: x(p.volume), cy: y(p.height), r: 10, class: "chosen", visibility: "hidden" });
      const mark = add(svg, "circle", { cx: x(p.volume), cy: y(p.height), r: 6, class: p.converged ? "ranked" : "ranked open" });
      add(mark, "title", {}, describe(p, quantity));
      mark.addEventListener("click", () => pick(p.rank - 1));
      if (p.rank <= 5) {
        add(svg, "text", { x: x(p.volume) + 10, y: y(p.height) - 8, "font-size": 12, "pointer-events": "none" }, String(p.rank));
      }
    });
    box.appendChild(svg);
    mark(marked);
  }

  function describe(p, quantity) {
    const name = p.rank === null ? "Candidate no. " + p.candidate : "Structure " + p.rank;
    return name + " (" + p.generator + ")\n" + p.volume.toFixed(2) + " Å³/atom\n" + quantity + ": " + p.height;
  }

  function legend(svg, points, narrow) {
    let at = LEFT + 6, level = 14;
    const entry = (mark, text) => {
      add(svg, "circle", { cx: at, cy: level, r: mark === "other" ? 4 : 6, class: mark });
      const label = add(svg, "text", { x: at + 11, y: level + 4, "font-size": 13 }, text);
      if (narrow) level += 19;
      else at += 30 + 6.6 * label.textContent.length;
    };
    if (points.some((p) => p.rank !== null && p.converged)) entry("ranked", "ranked structure");
    if (points.some((p) => p.rank !== null && !p.converged)) entry("ranked open", "ranked, not converged");
    if (points.some((p) => p.rank === null)) entry("other", "other candidate");
  }

  function mark(rank) {
    marked = rank;
    rings.forEach((ring, index) => ring && ring.setAttribute("visibility", index === rank ? "visible" : "hidden"));
  }

  return { start, mark };
})();
