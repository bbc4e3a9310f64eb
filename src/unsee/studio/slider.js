(() => {
  const parsed = new WeakMap();

  function content(root) {
    const data = root.querySelector(".evidence-data");
    if (!parsed.has(data)) parsed.set(data, JSON.parse(data.textContent));
    return parsed.get(data);
  }

  function percent(value, quantity) {
    if (quantity !== "probability") return value.toPrecision(4);
    return value > 0 && value < 0.01 ? "<1%" : `${Math.round(100 * value)}%`;
  }

  function bar(name, value, quantity, isTarget, largest) {
    const row = document.createElement("div");
    row.className = isTarget ? "evidence-row target" : "evidence-row";
    const label = document.createElement("span");
    label.textContent = name;
    const number = document.createElement("b");
    number.textContent = percent(value, quantity);
    const track = document.createElement("i");
    track.style.setProperty("--width", `${100 * Math.min(1, Math.abs(value) / largest)}%`);
    row.append(label, number, track);
    return row;
  }

  function show(root) {
    const all = content(root);
    const direction = root.querySelector("input[type=radio]:checked").value;
    const strip = all[direction];
    const index = Number(root.querySelector(".evidence-range").value);
    const share = strip.shares[index];
    root.querySelector(".evidence-picture").src = strip.pictures[index];
    const words = `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} % of the pixels `
      + (direction === "remove" ? "removed" : "revealed");
    root.querySelector(".evidence-share").textContent = `${words}; answer: ${strip.answers[index]}`;
    root.querySelector(".evidence-range").setAttribute("aria-valuetext", words);
    const values = strip.values[index];
    const largest = all.quantity === "probability" ? 1
      : Math.max(...strip.values.flat().map(Math.abs), 1e-9);
    root.querySelector(".evidence-bars").replaceChildren(...values.map((value, i) =>
      bar(all.classes[i], value, all.quantity, i === 0, largest)));
  }

  function refresh() {
    element.querySelectorAll(".evidence").forEach(root => {
      if (root.dataset.shown !== "1") { root.dataset.shown = "1"; show(root); }
    });
  }

  element.addEventListener("input", event => {
    const root = event.target.closest(".evidence");
    if (root) show(root);
  });
  new MutationObserver(refresh).observe(element, { childList: true, subtree: true });
  refresh();
})();
