// Saves a drawing as it stands on the page, as SVG or PNG.
report.save = (function () {
  const { add, element } = report.svg;
  const LOOK = ["fill", "stroke", "stroke-width", "font-family", "font-size", "text-anchor", "visibility"];
  const PADDING = 10;
  const DENSITY = 2; // pixels of a PNG per pixel of the page

  // The style sheet stays behind, so each part takes its looks along.
  function withLooks(drawn) {
    const copy = drawn.cloneNode(true);
    const parts = [[drawn, copy], ...Array.from(drawn.querySelectorAll("*")).map((part, at) => [part, copy.querySelectorAll("*")[at]])];
    for (const [part, twin] of parts) {
      const style = getComputedStyle(part);
      for (const name of LOOK) twin.style.setProperty(name, style.getPropertyValue(name));
    }
    return copy;
  }

  // All drawings and captions of a box as one drawing on the ground of the page.
  function joined(box) {
    const inner = box.getBoundingClientRect();
    const frame = { left: inner.left - PADDING, top: inner.top - PADDING };
    const [width, height] = [Math.ceil(inner.width) + 2 * PADDING, Math.ceil(inner.height) + 2 * PADDING];
    const root = element("svg", { xmlns: "http://www.w3.org/2000/svg", viewBox: "0 0 " + width + " " + height, width, height });
    add(root, "rect", { width, height, fill: getComputedStyle(box.closest("section")).backgroundColor });
    for (const drawn of box.querySelectorAll("svg")) {
      const place = drawn.getBoundingClientRect();
      const copy = withLooks(drawn);
      const at = { x: place.left - frame.left, y: place.top - frame.top, width: place.width, height: place.height };
      for (const name of Object.keys(at)) copy.setAttribute(name, at[name].toFixed(2));
      root.appendChild(copy);
    }
    for (const caption of box.querySelectorAll("figcaption")) {
      const place = caption.getBoundingClientRect();
      const style = getComputedStyle(caption);
      const text = add(root, "text", { x: place.left - frame.left, y: place.top - frame.top + 0.75 * place.height }, caption.textContent);
      text.style.cssText = "fill: " + style.color + "; font-size: " + style.fontSize;
      text.style.fontFamily = style.fontFamily;
    }
    return { text: new XMLSerializer().serializeToString(root), width, height };
  }

  function offer(address, name) {
    const link = document.createElement("a");
    link.href = address;
    link.download = name;
    link.click();
  }

  function asSvg(box, name) {
    offer("data:image/svg+xml;charset=utf-8," + encodeURIComponent(joined(box).text), name + ".svg");
  }

  function asPng(box, name) {
    const { text, width, height } = joined(box);
    const image = new Image();
    image.addEventListener("load", () => {
      const canvas = document.createElement("canvas");
      canvas.width = DENSITY * width;
      canvas.height = DENSITY * height;
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      offer(canvas.toDataURL("image/png"), name + ".png");
    });
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
  }

  // nameOf: from the id of a box to the name of its file.
  function start(nameOf) {
    for (const button of document.querySelectorAll("[data-save]")) {
      const [id, kind] = button.dataset.save.split(" ");
      button.addEventListener("click", () => (kind === "svg" ? asSvg : asPng)(document.getElementById(id), nameOf(id)));
    }
  }

  // The buttons of a box are there only while something is drawn in it.
  function allow(id, drawn) {
    for (const button of document.querySelectorAll('[data-save^="' + id + ' "]')) button.hidden = !drawn;
  }

  return { start, offer, allow };
})();
