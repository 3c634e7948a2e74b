// Energy (or log-probability) against volume, one point per candidate.
report.energy = (function () {
  const { add, element } = report.svg;
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
      report.save.allow("energy", false);
      return;
    }
    draw(data, pick);
    window.addEventListener("resize", () => draw(data, pick));
  }

  // Drawn in pixels of the page, so that the letters keep their size on a narrow screen.
  function draw(data, pick) {
    const WIDTH = report.chartWidth(box);
    if (WIDTH === drawnWidth) return;
    drawnWidth = WIDTH;
    const narrow = WIDTH < 520;
    const HEIGHT = narrow ? 330 : 380, TOP = narrow ? 66 : 30;
    const points = data.points;
    box.textContent = "";
    rings = [];
    const [x0, x1] = range(points.map((p) => p.volume), 0.05);
    const [y0, y1] = range(points.map((p) => p.height), 0.005);
    const quantity = data.quantity;
    const svg = element("svg", { viewBox: "0 0 " + WIDTH + " " + HEIGHT, role: "img", "aria-label": quantity + " against volume (Å³/atom)" });
    const { x, y } = report.axes(svg, { left: LEFT, right: WIDTH - RIGHT, top: TOP, bottom: HEIGHT - BOTTOM }, {
      x: { from: x0, to: x1, name: "volume (Å³/atom)", ticks: narrow ? 4 : 7 },
      y: { from: y0, to: y1, name: quantity, ticks: 6 },
    });
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
    });
    nameBest(svg, points, (p) => [x(p.volume), y(p.height)]);
    box.appendChild(svg);
    mark(marked);
  }

  // The ranks of the first five beside their points, where no other name stands and no better one's point.
  function nameBest(svg, points, at) {
    const best = points.filter((p) => p.rank !== null && p.rank <= 5).sort((a, b) => a.rank - b.rank);
    const taken = best.map(at);
    for (const p of best) {
      const [px, py] = at(p);
      const places = [[11, -7], [-11, -7], [11, 15], [-11, 15]].map(([dx, dy]) => [px + dx, py + dy]);
      const free = places.find(([tx, ty]) => taken.every(([ox, oy]) => Math.hypot(tx - ox, ty - 4 - oy) > 11));
      if (!free) continue;
      taken.push([free[0], free[1] - 4]);
      add(svg, "text", { x: free[0], y: free[1], "text-anchor": "middle", "font-size": 12, "pointer-events": "none" }, String(p.rank));
    }
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
