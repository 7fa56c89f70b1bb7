"use strict";
(() => {
  const NARROW = 640;
  const PRINTED = 680;
  const config = {
    responsive: false,
    displaylogo: false,
    displayModeBar: false,
  };
  const cards = [...document.querySelectorAll("figure[data-plot]")].map((card) => ({
    card,
    plot: card.querySelector(".plot"),
    content: JSON.parse(card.querySelector("script").textContent),
    width: 0,
  }));

  const heightOf = (item, width) => (item.content.narrow && width < NARROW ? item.content.narrow : item.content.layout).height;

  const layoutFor = (item, width) => {
    const narrow = item.content.narrow && width < NARROW;
    const layout = structuredClone(narrow ? item.content.narrow : item.content.layout);
    layout.width = width;
    layout.height = Math.max(layout.height, item.plot.clientHeight);
    layout.dragmode = matchMedia("(hover: none)").matches ? false : "zoom";
    return layout;
  };

  // Heights come first, for a figure is stretched to the height of its neighbour.
  const drawAll = (widthOf) => {
    const due = cards.map((item) => [item, widthOf(item)]).filter(([item, width]) => width && width !== item.width);
    due.forEach(([item, width]) => {
      item.width = width;
      item.plot.style.minHeight = `${heightOf(item, width)}px`;
    });
    due.forEach(([item, width]) => Plotly.react(item.plot, item.content.data, layoutFor(item, width), config));
  };

  const toggle = (item, button) => {
    const shown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(shown));
    item.content.data
      .filter((trace) => trace.legendgroup === button.dataset.group)
      .forEach((trace) => { trace.visible = shown ? true : "legendonly"; });
    item.content.data = [...item.content.data];
    Plotly.react(item.plot, item.content.data, layoutFor(item, item.width), config);
  };

  let printing = false;
  const fit = () => { if (!printing) drawAll((item) => item.plot.clientWidth); };
  for (const item of cards) {
    item.card.querySelectorAll(".chips button").forEach((button) => {
      button.addEventListener("click", () => toggle(item, button));
    });
    item.card.querySelector(".save").addEventListener("click", () => {
      const { width, height } = item.plot.getBoundingClientRect();
      Plotly.downloadImage(item.plot, { format: "png", scale: 2, width, height, filename: item.card.dataset.plot });
    });
  }
  fit();

  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(fit, 120);
  });
  addEventListener("beforeprint", () => {
    printing = true;
    document.querySelectorAll("details").forEach((part) => { part.dataset.was = part.open; part.open = true; });
    drawAll(() => PRINTED);
  });
  addEventListener("afterprint", () => {
    printing = false;
    document.querySelectorAll("details").forEach((part) => { part.open = part.dataset.was === "true"; });
    fit();
  });
})();
