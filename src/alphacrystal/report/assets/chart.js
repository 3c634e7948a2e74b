// What the plots share: a width in pixels of the page, so that the letters keep their size on a narrow screen.
report.chartWidth = function (box) {
  return Math.max(280, Math.min(760, box.clientWidth || 760));
};

// Draws a grid with labelled axes into a frame and returns the scales from values to places.
report.axes = function (svg, frame, axes) {
  const { add, ticks } = report.svg;
  const scale = (axis, start, end) => (v) => start + ((v - axis.from) / (axis.to - axis.from)) * (end - start);
  const x = scale(axes.x, frame.left, frame.right);
  const y = scale(axes.y, frame.bottom, frame.top);
  for (const tick of ticks(axes.x.from, axes.x.to, axes.x.ticks)) {
    add(svg, "line", { x1: x(tick.value), x2: x(tick.value), y1: frame.top, y2: frame.bottom, class: "grid" });
    add(svg, "text", { x: x(tick.value), y: frame.bottom + 18, "text-anchor": "middle", "font-size": 13 }, tick.label);
  }
  for (const tick of ticks(axes.y.from, axes.y.to, axes.y.ticks)) {
    add(svg, "line", { x1: frame.left, x2: frame.right, y1: y(tick.value), y2: y(tick.value), class: "grid" });
    add(svg, "text", { x: frame.left - 8, y: y(tick.value) + 4, "text-anchor": "end", "font-size": 13 }, tick.label);
  }
  add(svg, "path", { d: "M" + frame.left + "," + frame.top + "V" + frame.bottom + "H" + frame.right, class: "axis" });
  add(svg, "text", { x: (frame.left + frame.right) / 2, y: frame.bottom + 40, "text-anchor": "middle", "font-size": 14 }, axes.x.name);
  const middle = (frame.top + frame.bottom) / 2;
  add(svg, "text", {
    x: 16, y: middle, "text-anchor": "middle", "font-size": 14, transform: "rotate(-90 16 " + middle + ")",
  }, axes.y.name);
  return { x, y };
};
