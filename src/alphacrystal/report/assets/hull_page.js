// Puts the parts of the page of a chemical system together: one phase is selected at a time.
(function () {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const detail = document.getElementById("structure");
  const facts = document.getElementById("facts");

  function select(index) {
    const phase = data.phases[index];
    document.getElementById("structure-rank").textContent = phase.title;
    facts.textContent = "";
    for (const [name, value] of phase.facts) {
      const term = document.createElement("dt");
      const text = document.createElement("dd");
      term.textContent = name;
      text.textContent = value;
      facts.append(term, text);
    }
    const link = document.getElementById("cif-link");
    const row = report.table.link(index, "cif");
    link.hidden = !row;
    if (row) {
      link.href = row.href;
      link.download = row.download;
    }
    const run = report.table.link(index, "run-link");
    const runLink = document.getElementById("run-link");
    runLink.hidden = !run;
    if (run) {
      runLink.href = run.getAttribute("href");
      runLink.textContent = run.textContent;
    }
    // Hidden, but of the same size: 3Dmol cannot draw into a box without size.
    detail.querySelector(".viewer-box").style.visibility = phase.structure ? "" : "hidden";
    document.getElementById("no-structure").hidden = Boolean(phase.structure);
    if (phase.structure) report.viewer.show(phase.structure);
    report.table.mark(index);
    report.hull.mark(index);
  }

  report.table.start(select);
  report.save.start(() => data.name + "_hull");
  report.hull.start(data, select);
  report.viewer.start(data.drawn);
  select(data.first);
})();
