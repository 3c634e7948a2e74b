// The ranked table: sort by a heading, filter by words, pick a row.
report.table = (function () {
  const table = document.getElementById("ranked");
  const body = table.tBodies[0];
  const headings = Array.from(table.tHead.rows[0].cells);
  const filter = document.getElementById("filter");
  const count = document.getElementById("filter-count");

  function compare(left, right) {
    // Empty cells go last whichever way the column is sorted.
    const a = left.value, b = right.value;
    const numbers = [Number(a), Number(b)];
    if (!numbers.some(Number.isNaN)) return numbers[0] - numbers[1];
    return a.localeCompare(b, "en", { numeric: true });
  }

  function sortBy(column) {
    const heading = headings[column];
    const direction = heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    headings.forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", direction);
    const rows = Array.from(body.rows).map((row) => ({ row, value: row.cells[column].dataset.value || "" }));
    const full = rows.filter((item) => item.value !== "");
    const empty = rows.filter((item) => item.value === "");
    full.sort((a, b) => (direction === "ascending" ? compare(a, b) : compare(b, a)));
    full.concat(empty).forEach((item) => body.appendChild(item.row));
  }

  function applyFilter() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of body.rows) {
      const text = Array.from(row.cells)
        .map((cell) => (cell.textContent.trim() + "\n" + (cell.dataset.value || "")).toLowerCase()).join("\n");
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) shown += 1;
    }
    count.textContent = words.length ? shown + " of " + body.rows.length + " structures shown" : "";
  }

  function mark(index) {
    for (const row of body.rows) {
      if (Number(row.dataset.index) === index) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  }

  // Up and down lead from row to row past the links of the rows.
  function byKey(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const row = event.target.closest("tr");
    if (!step || !row || event.ctrlKey || event.metaKey || event.altKey) return;
    const shown = Array.from(body.rows).filter((other) => !other.hidden);
    const next = shown[shown.indexOf(row) + step];
    event.preventDefault();
    if (next) next.querySelector("button.pick").focus();
  }

  // The link to a file ("cif" or "poscar") of a structure.
  function link(index, kind) {
    return body.querySelector('tr[data-index="' + index + '"] a.' + kind);
  }

  function start(pick) {
    headings.forEach((heading, column) => {
      const button = heading.querySelector("button");
      if (button) button.addEventListener("click", () => sortBy(column));
    });
    filter.addEventListener("input", applyFilter);
    body.addEventListener("keydown", byKey);
    body.addEventListener("click", (event) => {
      if (event.target.closest("a")) return;
      const row = event.target.closest("tr");
      if (row) pick(Number(row.dataset.index));
    });
  }

  return { start, mark, link };
})();
