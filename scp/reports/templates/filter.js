// Reading needs none of this: it only hides what does not match what was typed or ticked.
const form = document.getElementById("filter");
const files = [...document.querySelectorAll("[data-file]")];
const words = form.elements.words;
const shown = document.getElementById("shown");
function filter() {
  const text = words.value.toLowerCase();
  const ticked = [...form.querySelectorAll("input:checked")].map((each) => each.value);
  let count = 0;
  for (const file of files) {
    const rows = [...file.querySelectorAll("[data-severity]")];
    const named = file.dataset.file.toLowerCase().includes(text);
    let left = 0;
    for (const row of rows) {
      row.hidden = !ticked.includes(row.dataset.severity) || !(named || row.textContent.toLowerCase().includes(text));
      left += !row.hidden;
    }
    file.hidden = rows.length ? left === 0 : !named;
    count += !file.hidden;
  }
  shown.textContent = `${count} of ${files.length} shown`;
}
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
form.hidden = false;
filter();
