// The hull of a chemical system: a curve, a triangle or a tetrahedron that can be turned.
report.hull = (function () {
  const { add, element, viridis } = report.svg;
  const box = document.getElementById("hull");
  const FAR = 0.2; // eV/atom above the hull: the end of the colours
  const CORNERS = {
    3: [[0, 0], [1, 0], [0.5, Math.sqrt(3) / 2]],
    4: [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]].map((at) => at.map((x) => x / Math.sqrt(3))),
  };
  let data = null, pick = null, rings = [], marked = null, drawnWidth = 0, turn = [0.5, 0.3];

  function start(all, select) {
    data = all;
    pick = select;
    draw();
    window.addEventListener("resize", () => report.chartWidth(box) !== drawnWidth && draw());
    if (data.elements.length === 4) turnable();
  }

  function draw() {
    drawnWidth = report.chartWidth(box);
    const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.phase : undefined;
    box.textContent = "";
    rings = [];
    const size = data.elements.length;
    const svg = size === 2 ? curve(drawnWidth) : size === 3 ? triangle(drawnWidth) : tetrahedron(drawnWidth);
    box.appendChild(svg);
    mark(marked);
    if (focused !== undefined) {
      const again = box.querySelector('[data-phase="' + focused + '"]');
      if (again) again.focus({ preventScroll: true });
    }
  }

  function look(p) {
    if (p.stable) return { r: 6.5, class: p.source === "predicted" ? "ranked" : "ranked open" };
    return { r: 4, class: "unstable", fill: viridis(p.above / FAR).css };
  }

  // Marks of all phases, those on the hull on top; each can be reached with the tabulator key.
  function marks(svg, at) {
    const order = data.phases.map((p, index) => index).sort((a, b) => data.phases[b].above - data.phases[a].above);
    for (const index of order) {
      const p = data.phases[index];
      const [x, y] = at(p);
      rings[index] = add(svg, "circle", { cx: x, cy: y, r: 10, class: "chosen", visibility: "hidden" });
      const { fill, ...shape } = look(p);
      const dot = add(svg, "circle", {
        cx: x, cy: y, ...shape, tabindex: 0, role: "button", "aria-label": p.text.replace(/\n/g, ", "), "data-phase": index,
      });
      if (fill) dot.style.fill = fill;
      add(dot, "title", {}, p.text);
      dot.addEventListener("click", () => pick(index));
      dot.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        pick(index);
      });
    }
  }

  // Names of the phases on the hull, where no other name or mark is in the way.
  function names(svg, at, corner, width) {
    const stable = data.phases.filter((p) => p.stable && !p.element);
    const taken = data.phases.filter((p) => p.stable).map((p) => [...at(p), 8, 8]);
    for (const p of stable) {
      const [x, y] = at(p);
      const half = 3.8 * p.name.length;
      const places = [[0, 20], [0, -13], [half + 11, 4], [-half - 11, 4], [half + 8, 18], [-half - 8, 18], [half + 8, -11], [-half - 8, -11]];
      const free = places.map(([dx, dy]) => [x + dx, y + dy]).find(([tx, ty]) => tx - half > 0 && tx + half < width &&
        taken.every(([ox, oy, ow, oh]) => Math.abs(tx - ox) > half + ow || Math.abs(ty - 4 - oy) > 7 + oh));
      if (!free) continue;
      taken.push([free[0], free[1] - 4, half, 7]);
      add(svg, "text", { x: free[0], y: free[1], "text-anchor": "middle", "font-size": 13, "pointer-events": "none", class: "name" }, p.name);
    }
    for (const [text, x, y, anchor] of corner) {
      add(svg, "text", { x, y, "text-anchor": anchor || "middle", "font-size": 16, "font-weight": 600 }, text);
    }
  }

  function canvas(width, height, label) {
    return element("svg", { viewBox: "0 0 " + width + " " + height, role: "group", "aria-label": label });
  }

  function curve(width) {
    const height = width < 520 ? 340 : 430;
    const svg = canvas(width, height, "Formation " + data.quantity + " against composition");
    const values = data.phases.map((p) => p.formation);
    const low = Math.min(...values, -0.02);
    const high = Math.min(Math.max(...values, 0.02), Math.max(0.1, -0.6 * low));
    const margin = 0.1 * (high - low);
    const { x, y } = report.axes(svg, { left: 74, right: width - 22, top: 18, bottom: height - 52 }, {
      x: { from: 0, to: 1, name: "fraction of " + data.elements[1], ticks: 5 },
      y: { from: low - margin, to: high + margin, name: "formation " + data.quantity + " (eV/atom)", ticks: 6 },
    });
    const at = (p) => [x(p.fractions[1]), y(Math.min(p.formation, high + 0.7 * margin))];
    const line = data.phases.filter((p) => p.stable).sort((a, b) => a.fractions[1] - b.fractions[1]);
    add(svg, "path", { d: "M" + line.map((p) => at(p).map((v) => v.toFixed(1)).join()).join("L"), class: "hull" });
    marks(svg, at);
    names(svg, at, [], width);
    return svg;
  }

  function edges(svg, at, points) {
    for (const [a, b] of data.edges) {
      const [x1, y1] = at(data.phases[a]), [x2, y2] = at(data.phases[b]);
      add(svg, "line", { x1, y1, x2, y2, class: "hull" });
    }
    for (let a = 0; a < points.length; a += 1) for (let b = 0; b < a; b += 1) {
      add(svg, "line", { x1: points[a][0], y1: points[a][1], x2: points[b][0], y2: points[b][1], class: "axis" });
    }
  }

  function weighted(p, corners) {
    return corners[0].map((ignored, k) => p.fractions.reduce((sum, share, i) => sum + share * corners[i][k], 0));
  }

  function triangle(width) {
    const side = Math.min(width - 90, 640), height = side * 0.87 + 70, left = (width - side) / 2;
    const svg = canvas(width, height, "Phases in the composition triangle");
    const place = ([x, y]) => [left + x * side, height - 36 - y * side];
    const at = (p) => place(weighted(p, CORNERS[3]));
    const points = CORNERS[3].map(place);
    edges(svg, at, points);
    marks(svg, at);
    names(svg, at, [
      [data.elements[0], points[0][0] - 8, points[0][1] + 24], [data.elements[1], points[1][0] + 8, points[1][1] + 24],
      [data.elements[2], points[2][0], points[2][1] - 13],
    ], width);
    return svg;
  }

  function tetrahedron(width) {
    const height = Math.min(width, 560), scale = 0.5 * height;
    const svg = canvas(width, height, "Phases in the composition tetrahedron; the arrow keys turn it");
    const [ca, sa, cb, sb] = [Math.cos(turn[0]), Math.sin(turn[0]), Math.cos(turn[1]), Math.sin(turn[1])];
    const place = ([x, y, z]) => {
      const u = ca * x + sa * z, w = ca * z - sa * x;
      return [width / 2 + scale * u, height / 2 - scale * (cb * y - sb * w)];
    };
    const at = (p) => place(weighted(p, CORNERS[4]));
    const points = CORNERS[4].map(place);
    edges(svg, at, points);
    marks(svg, at);
    names(svg, at, points.map(([x, y], i) => {
      const away = Math.hypot(x - width / 2, y - height / 2) || 1;
      return [data.elements[i], x + (18 * (x - width / 2)) / away, y + (18 * (y - height / 2)) / away + 5];
    }), width);
    return svg;
  }

  function turnable() {
    let from = null;
    box.tabIndex = 0;
    box.style.touchAction = "none";
    box.addEventListener("pointerdown", (event) => { from = [event.clientX, event.clientY]; });
    window.addEventListener("pointerup", () => { from = null; });
    window.addEventListener("pointermove", (event) => {
      if (!from) return;
      turn = [turn[0] + (event.clientX - from[0]) / 150, turn[1] + (event.clientY - from[1]) / 150];
      from = [event.clientX, event.clientY];
      draw();
    });
    box.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.15], ArrowDown: [0, 0.15] }[event.key];
      if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      turn = [turn[0] + step[0], turn[1] + step[1]];
      draw();
    });
  }

  function mark(index) {
    marked = index;
    rings.forEach((ring, i) => ring && ring.setAttribute("visibility", i === index ? "visible" : "hidden"));
  }

  return { start, mark };
})();
