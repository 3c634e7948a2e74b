// Drawing with SVG: elements, axis ticks, the viridis colours.
report.svg = (function () {
  const space = "http://www.w3.org/2000/svg";

  function element(name, attributes, text) {
    const node = document.createElementNS(space, name);
    for (const key of Object.keys(attributes || {})) node.setAttribute(key, attributes[key]);
    if (text !== undefined) node.textContent = text;
    return node;
  }

  function add(parent, name, attributes, text) {
    return parent.appendChild(element(name, attributes, text));
  }

  // Round tick values that cover [low, high].
  function ticks(low, high, count) {
    const rough = (high - low || 1) / count;
    const power = Math.pow(10, Math.floor(Math.log10(rough)));
    const step = [1, 2, 2.5, 5, 10].map((x) => x * power).find((x) => x >= rough * 0.999);
    const decimals = Math.max(0, Math.ceil(-Math.log10(step) + (/^25/.test(String(step / power * 10)) ? 1 : 0)));
    const values = [];
    for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + step * 1e-9; tick += step) {
      values.push({ value: tick, label: tick.toFixed(decimals).replace(/^-(0\.?0*)$/, "$1") });
    }
    return values;
  }

  // Viridis (Smith & van der Walt 2015, CC0) at equal steps: even in lightness, safe for colour-blind eyes.
  const anchors = [
    "440154", "481a6c", "472f7d", "414487", "39568c", "31688e", "2a788e", "23888e", "1f988b",
    "22a884", "35b779", "54c568", "7ad151", "a5db36", "d2e21b", "fde725",
  ].map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));

  function viridis(fraction) {
    const place = Math.min(1, Math.max(0, fraction)) * (anchors.length - 1);
    const lower = Math.min(anchors.length - 2, Math.floor(place));
    const rest = place - lower;
    const mixed = anchors[lower].map((part, i) => Math.round(part + rest * (anchors[lower + 1][i] - part)));
    // Text on it is black or white, whichever stands out more (WCAG's relative luminance; they tie at 0.179).
    const [r, g, b] = mixed.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : Math.pow((v / 255 + 0.055) / 1.055, 2.4)));
    return { css: "rgb(" + mixed.join(",") + ")", text: 0.2126 * r + 0.7152 * g + 0.0722 * b < 0.179 ? "#ffffff" : "#000000" };
  }

  return { element, add, ticks, viridis };
})();
