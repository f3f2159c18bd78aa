const shown = document.getElementById("harness-problem");
setInterval(async () => {
  let state;
  try {
    state = await (await fetch("/~state", { cache: "no-store" })).json();
  } catch {
    return; // the server has ended
  }
  shown.textContent = state.problem;
  shown.hidden = state.problem === "";
  if (state.version !== version && state.problem === "") location.reload();
}, 500);
