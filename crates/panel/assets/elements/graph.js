// <stoa-graph data-graph='{"nodes": […], "edges": [[from, to], …], "base": "/w/…/b/"}'>: who builds on whom. The
// drawing program is loaded when the first graph is shown.
const drawing = () => {
  if (window.cytoscape) return Promise.resolve();
  window.stoaDrawing ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = document.body.dataset.cytoscape;
    script.onload = done;
    script.onerror = failed;
    document.head.append(script);
  });
  return window.stoaDrawing;
};

customElements.define("stoa-graph", class extends HTMLElement {
  async connectedCallback() {
    this.redraw = () => this.draw();
    addEventListener("stoa:theme", this.redraw);
    await drawing();
    if (this.isConnected) this.draw();
  }

  disconnectedCallback() {
    removeEventListener("stoa:theme", this.redraw);
    this.graph?.destroy();
    this.graph = undefined;
  }

  draw() {
    this.graph?.destroy();
    const { nodes, edges, base } = JSON.parse(this.dataset.graph);
    // Whatever a colour of the kit is made of, the drawing program wants it as three numbers.
    const probe = document.createElement("span");
    this.append(probe);
    const brush = document.createElement("canvas").getContext("2d");
    const colour = (name) => {
      probe.style.color = `var(--tblr-${name})`;
      brush.fillStyle = getComputedStyle(probe).color;
      brush.fillRect(0, 0, 1, 1);
      return `rgb(${[...brush.getImageData(0, 0, 1, 1).data].slice(0, 3).join(",")})`;
    };
    const tones = { SUCCEEDED: "green", FAILED: "red", ABORTED: "orange", IN_PROGRESS: "blue", PENDING: "azure" };
    const styled = "__________cytoscape_stylesheet";
    if (!document.getElementById(styled)) {
      // It would add a style of its own to the page, which our policy forbids; ours says the same.
      const mark = document.createElement("template");
      mark.id = styled;
      document.head.append(mark);
    }
    this.graph = window.cytoscape({
      container: this,
      elements: [
        ...nodes.map((node) => ({ data: { ...node, tone: colour(tones[node.status] ?? "yellow") } })),
        ...edges.map(([source, target]) => ({ data: { source, target } })),
      ],
      layout: { name: "breadthfirst", directed: true, padding: 24, spacingFactor: 1.2 },
      userZoomingEnabled: false,
      style: [
        { selector: "node", style: {
          label: "data(label)", shape: "round-rectangle", width: "label", height: 28, padding: "8px",
          "text-valign": "center", "text-max-width": "160px", "text-wrap": "ellipsis", "font-size": 12,
          color: colour("body-color"), "background-color": colour("bg-surface"), "border-width": 2, "border-color": "data(tone)",
        } },
        { selector: "node[?isSelf]", style: { "border-width": 4, "font-weight": "bold" } },
        { selector: "edge", style: {
          width: 2, "line-color": colour("secondary"), "target-arrow-color": colour("secondary"),
          "target-arrow-shape": "triangle", "curve-style": "bezier",
        } },
      ],
    });
    this.graph.on("tap", "node", (event) => {
      const link = document.createElement("a");
      link.href = base + encodeURIComponent(event.target.id());
      this.after(link);
      link.click();
      link.remove();
    });
  }
});
