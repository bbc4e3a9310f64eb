(() => {
  const states = new WeakMap();
  const key = { ArrowLeft: [-8, 0], ArrowRight: [8, 0], ArrowUp: [0, -8], ArrowDown: [0, 8] };

  function state(canvas) {
    if (!states.has(canvas)) {
      states.set(canvas, { strokes: [], x: canvas.width / 2, y: canvas.height / 2, down: false });
    }
    return states.get(canvas);
  }

  function size(root) {
    return Number(root.querySelector(".brush-size").value);
  }

  function draw(canvas, cursor) {
    const context = canvas.getContext("2d"), all = state(canvas);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.lineCap = context.lineJoin = "round";
    for (const stroke of all.strokes) {
      context.globalCompositeOperation = stroke.erase ? "destination-out" : "source-over";
      context.strokeStyle = "#ff3d7f";
      context.lineWidth = stroke.size;
      context.beginPath();
      stroke.points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
      const [x, y] = stroke.points[stroke.points.length - 1];
      context.lineTo(x + 0.01, y); // a line of no length would not be drawn
      context.stroke();
    }
    context.globalCompositeOperation = "source-over";
    if (cursor) {
      context.strokeStyle = "#ffffff";
      context.lineWidth = 1;
      context.beginPath();
      context.arc(all.x, all.y, size(canvas.closest(".brush")) / 2, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  function begin(canvas, x, y) {
    const root = canvas.closest(".brush"), all = state(canvas);
    const erase = root.querySelector(".brush-erase").checked;
    all.strokes.push({ points: [[x, y]], size: size(root), erase });
    all.down = true;
    draw(canvas);
  }

  function send(canvas) {
    draw(canvas);
    trigger("input", { mask: canvas.toDataURL("image/png") });
  }

  function place(canvas, event) {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * canvas.width,
      ((event.clientY - box.top) / box.height) * canvas.height,
    ];
  }

  element.addEventListener("pointerdown", event => {
    const canvas = event.target.closest("canvas.brush-canvas");
    if (!canvas) return;
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    begin(canvas, ...place(canvas, event));
  });
  element.addEventListener("pointermove", event => {
    const canvas = event.target.closest("canvas.brush-canvas");
    if (!canvas || !state(canvas).down) return;
    const { strokes } = state(canvas);
    strokes[strokes.length - 1].points.push(place(canvas, event));
    draw(canvas);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    element.addEventListener(name, event => {
      const canvas = event.target.closest("canvas.brush-canvas");
      if (!canvas || !state(canvas).down) return;
      state(canvas).down = false;
      send(canvas);
    });
  }
  element.addEventListener("keydown", event => {
    const canvas = event.target.closest("canvas.brush-canvas");
    if (!canvas) return;
    const all = state(canvas);
    if (key[event.key]) {
      all.x = Math.min(canvas.width, Math.max(0, all.x + key[event.key][0]));
      all.y = Math.min(canvas.height, Math.max(0, all.y + key[event.key][1]));
      draw(canvas, true);
    } else if (event.key === " " || event.key === "Enter") {
      begin(canvas, all.x, all.y);
      all.down = false;
      send(canvas);
    } else return;
    event.preventDefault();
  });
  element.addEventListener("click", event => {
    const button = event.target.closest("button[data-brush]");
    if (!button) return;
    const canvas = button.closest(".brush").querySelector("canvas");
    const all = state(canvas);
    if (button.dataset.brush === "undo") all.strokes.pop();
    else all.strokes = [];
    send(canvas);
  });
})();
