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
    const bar = field("bar");
    bar.max = stage.status === "done" ? 1 : stage.total || 1;
    bar.value = stage.status === "done" ? 1 : stage.done;
    for (const name of ["message", "reason", "progress", "usage"]) {
      field(name).textContent = stage[name];
    }
    page.querySelector(`[data-node="${stage.id}"]`)?.setAttribute("class", stage.status);
  }

  function showLog(log) {
    const box = document.getElementById("live-log");
    box.hidden = !log;
    if (log) {
      const text = box.querySelector("pre");
      const atEnd = text.scrollHeight - text.scrollTop - text.clientHeight < 8;
      box.querySelector('[data-field="title"]').textContent = log.title;
      text.textContent = log.text;
      if (atEnd) {
        text.scrollTop = text.scrollHeight;
      }
    }
  }

  // The figures of the page are JSON beside the charts; whoever changes one says so to charts.js.
  function showCurves(curves) {
    for (const chart of ["loss", "development"]) {
      const source = document.getElementById(`${chart}-figure`);
      if (!source) {
        continue;
      }
      const figure = JSON.parse(source.textContent);
      let changed = false;
      for (const line of figure.data) {
        const points = curves[line.uid]?.[chart];
        if (points && points[0].length && points[0].at(-1) !== line.x.at(-1)) {
          [line.x, line.y] = points;
          line.mode = line.x.length > 2 ? "lines" : "lines+markers";
          changed = true;
        }
      }
      if (changed) {
        source.textContent = JSON.stringify(figure);
        document.dispatchEvent(new CustomEvent("figurechange", { detail: chart }));
      }
    }
  }

  function show(state) {
    setStatus(document.getElementById("run-status"), state.status, state.status_title);
    document.getElementById("run-progress").value = state.stages_done;
    document.getElementById("run-count").textContent = `${state.stages_done} of ${state.stage_count} stages done`;
    state.stages.forEach(showStage);
    showLog(state.log);
    showCurves(state.curves);
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
