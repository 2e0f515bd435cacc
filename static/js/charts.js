// Draws the figures of a page when they come into view, in the colours of the theme.
(() => {
  "use strict";
  const source = document.currentScript.dataset.plotly;
  const drawn = new Map();
  let library = null;

  function loadPlotly() {
    library ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = source;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => reject(new Error("plotly.js could not be loaded"));
      document.head.append(script);
    });
    return library;
  }

  function isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
  }

  function themed(figure, width) {
    const styles = getComputedStyle(document.body);
    const line = isDark() ? "#3a414a" : "#dedbd4";
    const theme = isDark() ? "dark" : "light";
    const { meta, ...layout } = structuredClone(figure.layout);
    const data = structuredClone(figure.data);
    if (meta.colorscale) {
      data[0].colorscale = meta.colorscale[theme];
    }
    for (const shape of layout.shapes ?? []) {
      shape.line.color = styles.getPropertyValue(shape.name === "loss" ? "--loss" : "--gain");
    }
    const axis = { color: styles.color, gridcolor: line, linecolor: line, zerolinecolor: line };
    Object.assign(layout, {
      autosize: true,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: styles.fontFamily, size: 13, color: styles.color },
      hoverlabel: { align: "left" },
      xaxis: { ...layout.xaxis, ...axis },
      yaxis: { ...layout.yaxis, ...axis },
    });
    if (meta.colorway) {
      layout.colorway = meta.colorway[theme];
    }
    if (width < 600 && data[0].colorbar) {
      data[0].showscale = false; // the numbers are in the cells: the room is worth more
    }
    if (width < meta.least_width) {
      layout.width = meta.least_width; // the box around the chart scrolls
      layout.autosize = false;
    }
    return { data, layout, name: meta.name };
  }

  function settings(name, Plotly) {
    const svg = {
      name: "svg",
      title: "Download as SVG",
      icon: Plotly.Icons.disk,
      click: (plot) => Plotly.downloadImage(plot, { format: "svg", filename: name }),
    };
    return {
      responsive: true,
      displaylogo: false,
      toImageButtonOptions: { format: "png", filename: name, scale: 2 },
      modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"],
      modeBarButtonsToAdd: [svg],
    };
  }

  // A cell of a map leads to what stands behind it; the table has the same links.
  function follow(links, point) {
    const [row, column] = Array.isArray(point.pointIndex) ? point.pointIndex : [0, point.pointIndex];
    const link = links[row]?.[column];
    if (link) {
      window.location.assign(link);
    }
  }

  async function draw(chart) {
    const Plotly = await loadPlotly();
    const figure = JSON.parse(document.getElementById(chart.dataset.figure).textContent);
    const canvas = chart.querySelector(".canvas");
    const { data, layout, name } = themed(figure, canvas.clientWidth);
    await Plotly.react(canvas, data, layout, settings(name, Plotly));
    if (!drawn.has(chart) && figure.layout.meta.links) {
      canvas.on("plotly_click", ({ points }) => follow(figure.layout.meta.links, points[0]));
    }
    drawn.set(chart, true);
    chart.dataset.drawn = "yes";
  }

  const watcher = new IntersectionObserver(
    (entries) => {
      for (const entry of entries.filter((one) => one.isIntersecting)) {
        watcher.unobserve(entry.target);
        draw(entry.target);
      }
    },
    { rootMargin: "300px" },
  );
  const watch = () => document.querySelectorAll(".chart:not([data-drawn])").forEach((chart) => watcher.observe(chart));
  watch();
  document.addEventListener("htmx:afterSettle", () => {
    [...drawn.keys()].filter((chart) => !chart.isConnected).forEach((chart) => drawn.delete(chart));
    watch();
  });
  document.addEventListener("figurechange", (event) => {
    drawn.forEach((_, chart) => chart.dataset.chart === event.detail && draw(chart));
  });
  document.addEventListener("themechange", () => drawn.forEach((_, chart) => draw(chart)));
})();
