// What a table can do beside being read: be sorted, filtered and copied. Without this script it is a table.
"use strict";
for (const scroll of document.querySelectorAll(".scroll:has(> table)")) {
  const table = scroll.querySelector("table"), body = table.tBodies[0];
  const rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  const text = (cell) => cell.textContent.replace(/\s+/g, " ").trim();
  const plain = (cell) => text(cell).replaceAll("\u2212", "-");
  const value = (cell) => {
    const number = parseFloat(plain(cell).replace(/[,+]/g, ""));
    return Number.isNaN(number) ? null : number;
  };
  const element = (name, words, className) => Object.assign(document.createElement(name), { textContent: words, className });
  if (rows.length > 1) {
    heads.forEach((head, column) => {
      const button = element("button", text(head), "sort");
      button.type = "button";
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const order = (a, b) => {
          const [x, y] = [a, b].map((row) => value(row.cells[column]));
          if (x !== null && y !== null) return x - y;
          if (x !== null || y !== null) return x === null ? 1 : -1;
          return text(a.cells[column]).localeCompare(text(b.cells[column]), "en");
        };
        const sorted = [...rows].sort((a, b) => (down ? -order(a, b) : order(a, b)));
        body.append(...sorted);
      });
    });
  }
  const name = table.caption ? text(table.caption) : "this table";
  const tools = element("div", "", "tools");
  if (rows.length > 7) {
    const filter = Object.assign(document.createElement("input"), { type: "search", placeholder: "Filter rows" });
    filter.setAttribute("aria-label", `Filter the rows of: ${name}`);
    filter.addEventListener("input", () => {
      const wanted = filter.value.toLowerCase().trim();
      rows.forEach((row) => { row.hidden = !text(row).toLowerCase().includes(wanted); });
    });
    tools.append(filter);
  }
  const cells = () => [heads, ...[...body.rows].filter((row) => !row.hidden).map((row) => [...row.cells])];
  const numeric = heads.map((head) => head.classList.contains("number"));
  const line = (all, edge, between) => edge[0] + all.join(between) + edge[1];
  const tex = (word) => word.replace(/[\\{}$&#_%^~]/g, (sign) =>
    ({ "\\": "\\textbackslash{}", "^": "\\textasciicircum{}", "~": "\\textasciitilde{}" })[sign] ?? `\\${sign}`)
    .replaceAll("\u2212", "$-$").replaceAll("\u00d7", "$\\times$").replaceAll("\u2013", "--");
  const forms = {
    CSV: () => cells().map((row) => row.map((cell) => {
      const word = plain(cell);
      return /[",]/.test(word) ? `"${word.replaceAll('"', '""')}"` : word;
    }).join(",")).join("\n"),
    Markdown: () => {
      const lines = cells().map((row) => line(row.map((cell) => text(cell).replace(/[\\|]/g, "\\$&")), ["| ", " |"], " | "));
      lines.splice(1, 0, line(numeric.map((is) => (is ? "--:" : ":--")), ["| ", " |"], " | "));
      return lines.join("\n");
    },
    LaTeX: () => {
      const [head, ...rest] = cells().map((row) => line(row.map((cell) => tex(text(cell))), ["  ", " \\\\"], " & "));
      const columns = numeric.map((is) => (is ? "r" : "l")).join("");
      return [`\\begin{tabular}{@{}${columns}@{}}`, "  \\toprule", head, "  \\midrule", ...rest, "  \\bottomrule", "\\end{tabular}"].join("\n");
    },
  };
  const said = element("span", "", "said");
  said.setAttribute("role", "status");
  const copy = async (words) => {
    try {
      await navigator.clipboard.writeText(words);
      return true;
    } catch {
      // Where a page may not use the clipboard, as one from a disk in some browsers, the old way still works.
      const area = Object.assign(document.createElement("textarea"), { value: words });
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  };
  const group = element("span", "Copy as ", "copy");
  for (const [form, make] of Object.entries(forms)) {
    const button = element("button", form, "");
    button.type = "button";
    button.setAttribute("aria-label", `Copy as ${form}: ${name}`);
    button.addEventListener("click", async () => {
      said.textContent = (await copy(`${make()}\n`)) ? "copied" : "could not copy";
      setTimeout(() => { said.textContent = ""; }, 2000);
    });
    group.append(button);
  }
  tools.append(group, said);
  scroll.after(tools);
}