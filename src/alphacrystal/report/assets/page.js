// Puts the parts of the page together: one structure is selected at a time.
(function () {
  const data = JSON.parse(document.getElementById("report-data").textContent);

  function fill(list, pairs) {
    list.textContent = "";
    for (const [name, value] of pairs) {
      const term = document.createElement("dt");
      const text = document.createElement("dd");
      term.textContent = name;
      text.textContent = value;
      list.append(term, text);
    }
  }

  function fillSites(sites) {
    const body = document.getElementById("sites").tBodies[0];
    body.textContent = "";
    for (const [symbol, multiplicity, letter, ...position] of sites) {
      const row = body.insertRow();
      for (const text of [symbol, multiplicity + letter, ...position.map((x) => x.toFixed(4))]) {
        row.insertCell().textContent = text;
      }
    }
  }

  function fillSurroundings(sites) {
    const body = document.getElementById("surroundings").tBodies[0];
    body.textContent = "";
    for (const texts of sites) {
      const row = body.insertRow();
      texts.forEach((text, column) => {
        const cell = row.insertCell();
        cell.textContent = text;
        if ([0, 4, 5].includes(column)) cell.className = "text";
      });
    }
  }

  let stem = "";

  function select(index) {
    const structure = data.structures[index];
    stem = structure.file.replace(/\.cif$/, "");
    document.getElementById("structure-rank").textContent = structure.rank + ": " + structure.title;
    for (const kind of ["cif", "poscar"]) {
      const link = document.getElementById(kind + "-link");
      const button = report.table.link(index, kind);
      link.href = button.href;
      link.download = button.download;
    }
    fill(document.getElementById("facts"), structure.facts);
    fill(document.getElementById("provenance"), structure.provenance);
    const [a, b, c, alpha, beta, gamma] = structure.parameters;
    document.getElementById("parameters").textContent =
      "a, b, c = " + [a, b, c].map((x) => x.toFixed(3)).join(", ") + " Å; α, β, γ = " +
      [alpha, beta, gamma].map((x) => x.toFixed(2).replace(/\.00$/, "")).join(", ") + "°";
    fillSites(structure.sites);
    fill(document.getElementById("chemistry"), structure.chemistry);
    fillSurroundings(structure.surroundings);
    report.table.mark(index);
    report.distances.show(structure);
    report.pattern.show(structure);
    report.energy.mark(structure.rank);
    report.viewer.show(structure);
  }

  const names = {
    distances: () => stem + "_distances",
    pattern: () => stem + "_xrd",
    energy: () => stem.split("_")[1] + (data.relaxed ? "_energy_volume" : "_probability_volume"),
  };
  report.table.start(select);
  report.save.start((id) => names[id]());
  report.energy.start(data, select);
  report.viewer.start(data.elements);
  select(0);
})();
