// Keeps the page of an unfinished run up to date; loads it anew, once, when the run has ended.
(() => {
  "use strict";
  const WAIT = 3000;
  const LONGEST_WAIT = 60000;
  const page = document.getElementById("run-state");
  let wait = WAIT;

  function setStatus(element, status, title) {
    element.className = `status ${status}`;
    element.textContent = title;
  }

  function showStage(stage) {
    const row = page.querySelector(`tr[data-stage="${stage.id}"]`);
    if (!row) {
      return;
    }
    const field = (name) => row.querySelector(`[data-field="${name}"]`);
    setStatus(field("status"), stage.status, stage.status_title);
    const bar = field("progress");
    bar.max = stage.status === "done" ? 1 : stage.total || 1;
    bar.value = stage.status === "done" ? 1 : stage.done;
    const count = stage.total ? `${stage.done.toLocaleString("en")} of ${stage.total.toLocaleString("en")} ${stage.unit}` : "";
    field("activity").textContent = stage.status === "running" ? [count, stage.activity].filter(Boolean).join(" – ") : "";
    field("message").textContent = stage.message;
  }

  function show(state) {
    setStatus(document.getElementById("run-status"), state.status, state.status_title);
    document.getElementById("run-progress").value = state.stages_done;
    document.getElementById("run-count").textContent = `${state.stages_done} of ${state.stage_count} stages done`;
    state.stages.forEach(showStage);
  }

  async function poll() {
    try {
      const response = await fetch(page.dataset.url, { headers: { Accept: "application/json" } });
      if (!response.ok) {
        throw new Error(`status ${response.status}`);
      }
      const state = await response.json();
      if (state.finished) {
        window.location.reload();
        return;
      }
      show(state);
      wait = WAIT;
    } catch {
      // The server may be restarting: ask again, ever more seldom.
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
    window.setTimeout(poll, wait);
  }

  if (page && page.dataset.finished === "no") {
    window.setTimeout(poll, wait);
  }
})();
