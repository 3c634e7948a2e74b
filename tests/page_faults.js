// What is wrong with a page for those who see badly or use no mouse, one sentence each.
() => {
  const faults = [];
  const part = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  // "rgb(1, 2, 3)", "rgba(1, 2, 3, 0.5)", or "color(srgb 0.1 0.2 0.3 / 0.5)" of a mixture.
  const numbers = (text) => {
    const found = text.match(/[\d.]+(e-\d+)?/g).map(Number);
    return text.startsWith('color(srgb') ? found.map((v, i) => (i < 3 ? 255 * v : v)) : found;
  };
  const ratio = (one, other) => {
    const [a, b] = [light(one), light(other)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  // The ground behind an element: half transparent colours are mixed with what is below them.
  const behind = (element) => {
    if (!element) return [255, 255, 255];
    const [r, g, b, alpha = 1] = numbers(getComputedStyle(element).backgroundColor);
    if (alpha > 0.999) return [r, g, b];
    const below = behind(element.parentElement);
    return [r, g, b].map((v, i) => alpha * v + (1 - alpha) * below[i]);
  };
  // Inside a drawing: the last rectangle drawn before the text that holds its middle.
  const painted = (text) => {
    const box = text.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    const under = [...text.ownerSVGElement.querySelectorAll('rect')].filter((rect) => {
      const at = rect.getBoundingClientRect();
      return at.left <= x && x <= at.right && at.top <= y && y <= at.bottom;
    });
    return under.length ? numbers(getComputedStyle(under[under.length - 1]).fill) : behind(text.ownerSVGElement);
  };

  const wide = document.documentElement;
  if (wide.scrollWidth > wide.clientWidth) faults.push(`the page is ${wide.scrollWidth - wide.clientWidth} px too wide`);

  // Text: 4.5 (WCAG 2.2, 1.4.3).
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const box = element.getBoundingClientRect();
    const shown = box.width && !element.closest('noscript, title, [hidden]');
    if (!shown || !own && !['INPUT', 'SELECT'].includes(element.tagName)) continue;
    const drawn = element instanceof SVGElement;
    const style = getComputedStyle(element);
    const found = ratio(numbers(drawn ? style.fill : style.color), drawn ? painted(element) : behind(element));
    if (found < 4.5) faults.push(`${element.tagName} "${element.textContent.trim().slice(0, 30)}" has a contrast of ${found.toFixed(2)}`);
    if (element.placeholder) {
      const pale = ratio(numbers(getComputedStyle(element, '::placeholder').color), behind(element));
      if (pale < 4.5) faults.push(`the placeholder "${element.placeholder}" has a contrast of ${pale.toFixed(2)}`);
    }
  }

  // Borders of fields and buttons: 3 (1.4.11), unless the text alone tells what they are.
  for (const element of document.querySelectorAll('input:not([type=checkbox]), select, button')) {
    const style = getComputedStyle(element);
    if (!element.getBoundingClientRect().width || parseFloat(style.borderTopWidth) === 0) continue;
    const found = ratio(numbers(style.borderTopColor), behind(element.parentElement));
    if (found < 3) faults.push(`the border of ${element.id || element.textContent} has a contrast of ${found.toFixed(2)}`);
  }

  // A name for a screen reader.
  for (const item of document.querySelectorAll('input, select, button, a, progress, canvas, [role=region], [role=img], [role=application]')) {
    const named = item.labels?.length || item.textContent.trim() || item.getAttribute('aria-label') || item.getAttribute('aria-labelledby');
    if (!named && !item.closest('[aria-label]')) faults.push(`without a name: ${item.outerHTML.slice(0, 80)}`);
  }

  // What scrolls can be reached by keyboard.
  for (const item of document.querySelectorAll('body *')) {
    const scrolls = ['auto', 'scroll'].includes(getComputedStyle(item).overflowX) && item.scrollWidth > item.clientWidth + 1
      || ['auto', 'scroll'].includes(getComputedStyle(item).overflowY) && item.scrollHeight > item.clientHeight + 1;
    if (scrolls && item.tabIndex < 0) faults.push(`scrolls but cannot be reached by keyboard: ${item.outerHTML.slice(0, 80)}`);
  }

  const ids = [...document.querySelectorAll('[id]')].map((item) => item.id);
  for (const id of new Set(ids.filter((id, at) => id && id !== 'undefined' && ids.indexOf(id) !== at))) faults.push(`the id ${id} occurs twice`);
  return faults;
}
