// Predicted distances and the actual ones as two heat maps on one colour scale.
report.distances = (function () {
  const { add, element, ticks, viridis } = report.svg;
  const box = document.getElementById("distances");
  const note = document.getElementById("distances-note");
  const TOP = 26, GAP = 4;
  let shown = null, drawnWidth = 0;

  function labels(species) {
    const seen = {};
    const many = {};
    species.forEach((symbol) => { many[symbol] = (many[symbol] || 0) + 1; });
    return species.map((symbol) => {
      seen[symbol] = (seen[symbol] || 0) + 1;
      return many[symbol] > 1 ? symbol + seen[symbol] : symbol;
    });
  }

  // Drawn in pixels of the page, so that the letters keep their size on a narrow screen.
  function map(title, matrix, names, longest, SIZE) {
    const n = names.length;
    const LEFT = Math.max(44, 10 + 7 * Math.max(...names.map((name) => name.length)));
    const step = (SIZE - LEFT - GAP) / n;
    const font = Math.max(8, Math.min(13, step * 0.55));
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.textContent = title;
    const svg = element("svg", { viewBox: "0 0 " + SIZE + " " + (SIZE - LEFT + TOP), role: "img", "aria-label": title + ", in Å" });
    // With many atoms every other name would touch the next one.
    const every = Math.ceil(11 / step);
    names.forEach((name, i) => {
      if (i % every) return;
      const middle = (i + 0.5) * step;
      add(svg, "text", { x: LEFT - 5, y: TOP + middle + font * 0.35, "text-anchor": "end", "font-size": font }, name);
      const top = add(svg, "text", { x: LEFT + middle, y: TOP - 6, "text-anchor": "middle", "font-size": font }, name);
      if (step < font * 2.6) {
        top.setAttribute("text-anchor", "start");
        top.setAttribute("transform", "rotate(-60 " + (LEFT + middle) + " " + (TOP - 4) + ")");
        top.setAttribute("font-size", Math.min(font, 10));
      }
    });
    for (let i = 0; i < n; i += 1) for (let j = 0; j < n; j += 1) {
      const colour = viridis(matrix[i][j] / longest);
      const cell = add(svg, "rect", {
        x: (LEFT + j * step).toFixed(2), y: (TOP + i * step).toFixed(2),
        width: (step + 0.3).toFixed(2), height: (step + 0.3).toFixed(2), fill: colour.css,
      });
      add(cell, "title", {}, names[i] + " – " + names[j] + ": " + matrix[i][j].toFixed(2) + " Å");
      if (step >= 30) {
        const text = add(svg, "text", {
          x: LEFT + (j + 0.5) * step, y: TOP + (i + 0.5) * step + 4, "text-anchor": "middle",
          "font-size": Math.min(13, step * 0.34), "pointer-events": "none",
        }, matrix[i][j].toFixed(2));
        text.style.fill = colour.text;
      }
    }
    figure.append(caption, svg);
    return figure;
  }

  function bar(longest, room) {
    const svg = element("svg", { viewBox: "0 0 " + room + " 48", role: "img", "aria-label": "Colour scale in Å", class: "bar" });
    const left = 10, width = room - 20;
    for (let i = 0; i < 120; i += 1) {
      add(svg, "rect", { x: left + (i * width) / 120, y: 2, width: width / 120 + 0.5, height: 13, fill: viridis(i / 119).css });
    }
    for (const tick of ticks(0, longest, 6)) {
      const x = left + (tick.value / longest) * width;
      add(svg, "line", { x1: x, x2: x, y1: 15, y2: 20, class: "axis" });
      add(svg, "text", { x, y: 32, "text-anchor": "middle", "font-size": 12 }, tick.label);
    }
    add(svg, "text", { x: left + width / 2, y: 46, "text-anchor": "middle", "font-size": 12, class: "quiet" }, "distance (Å)");
    return svg;
  }

  function show(structure) {
    shown = structure;
    drawnWidth = box.clientWidth;
    box.textContent = "";
    const pair = structure.distances;
    report.save.allow("distances", pair !== null);
    if (!pair) {
      note.textContent = "No distances were predicted for this structure: its generator predicts none, or relaxation changed its orbits.";
      return;
    }
    const names = pair.by_orbits ? pair.species : labels(pair.species);
    const columns = getComputedStyle(box).gridTemplateColumns.split(" ");
    const size = Math.max(240, Math.min(480, parseFloat(columns[0]) || 400));
    const longest = Math.max(0.1, ...pair.predicted.flat(), ...pair.actual.flat());
    box.append(
      map("Predicted by the network", pair.predicted, names, longest, size),
      map("In structure " + structure.rank, pair.actual, names, longest, size),
      bar(longest, Math.max(240, Math.min(500, drawnWidth))),
    );
    note.textContent = pair.by_orbits
      ? "Shortest distances between the orbits (element, multiplicity, Wyckoff letter); root mean square difference " +
        pair.rmse.toFixed(2) + " Å. Orbits of one element and size stand in the order that agrees best."
      : "Nearest-image distances in the primitive cell; root mean square difference " +
        pair.rmse.toFixed(2) + " Å. Atoms of one element are interchangeable and stand in the order that agrees best.";
  }

  window.addEventListener("resize", () => {
    if (shown && box.clientWidth !== drawnWidth) show(shown);
  });
  return { show };
})();
