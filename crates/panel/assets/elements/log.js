// <stoa-log>: the log of a step. Takes what its <pre> holds, shows it line by line with colours, links to lines,
// search, wrapping, and follows its end until the reader scrolls up. put(from, text) adds what the run tells; `from`
// is the place in bytes, and a text that begins anew replaces what was there.
const bytes = new TextEncoder();
const chars = new TextDecoder();
// eslint-disable-next-line no-control-regex
const escapes = /\u001b\[([0-9;]*)([A-Za-z])|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[@-Z\\-_]/g;

customElements.define("stoa-log", class extends HTMLElement {
  connectedCallback() {
    if (this.pane?.isConnected) return;
    const text = this.querySelector(".stoa-log-text");
    if (!text) {
      requestAnimationFrame(() => { if (this.isConnected && this.querySelector(".stoa-log-text")) this.connectedCallback(); });
      return;
    }
    this.pane = document.createElement("div");
    this.pane.className = "stoa-log-pane";
    this.pane.tabIndex = 0;
    this.pane.setAttribute("role", "log");
    this.pane.setAttribute("aria-live", "off");
    text.after(this.pane);
    text.hidden = true;
    const bar = this.querySelector(".stoa-log-bar");
    bar.hidden = false;
    bar.onclick = (event) => {
      const what = event.target.closest("[data-do]")?.dataset.do;
      if (what === "wrap") this.wrap(!this.classList.contains("stoa-wrap"));
      if (what === "follow") this.follow(!this.isFollowing);
    };
    const search = bar.querySelector("input");
    search.oninput = () => this.search(search.value);
    search.onkeydown = (event) => {
      if (event.key === "Enter") { event.preventDefault(); this.next(event.shiftKey ? -1 : 1); }
    };
    this.pane.onscroll = () => {
      const isAtEnd = this.pane.scrollHeight - this.pane.scrollTop - this.pane.clientHeight < 24;
      if (isAtEnd !== this.isFollowing) this.follow(isAtEnd);
    };
    this.wrap(true);
    this.isFollowing = true;
    this.reset(text.textContent);
    if (location.hash.startsWith(`#${this.id}-`)) this.jump(location.hash.slice(1));
  }

  reset(text) {
    this.pane.textContent = "";
    this.raw = "";
    this.length = 0;
    this.count = 0;
    this.open = undefined;
    this.style_ = [];
    this.add(text);
  }

  put(from, text) {
    // What stands here may be the end of a longer text, whose places are not known: then all is taken anew.
    if (from === 0) { this.reset(text); return; }
    if (from < this.length) {
      this.reset(chars.decode(bytes.encode(this.raw).slice(0, from)));
    }
    this.add(text);
  }

  add(text) {
    if (!text) return;
    this.raw += text;
    this.length += bytes.encode(text).length;
    const lines = text.split("\n");
    lines.forEach((line, place) => {
      // What ends with a line break has no empty line after it.
      if (line === "" && place === lines.length - 1) return;
      if (!this.open) this.begin();
      this.openText += line;
      this.fill();
      if (place < lines.length - 1) this.open = undefined;
    });
    if (this.wanted) this.search(this.wanted);
    if (this.isFollowing) this.pane.scrollTop = this.pane.scrollHeight;
  }

  begin() {
    if (this.count % 500 === 0) {
      // Only what is complete, and much, is left out of the layout while it is out of sight.
      this.chunk?.classList.add("stoa-log-full");
      this.chunk = document.createElement("div");
      this.chunk.className = "stoa-log-chunk";
      this.pane.append(this.chunk);
    }
    this.count += 1;
    this.open = document.createElement("div");
    this.open.className = "stoa-log-line";
    this.open.id = `${this.id}-L${this.count}`;
    const link = document.createElement("a");
    link.href = `#${this.open.id}`;
    link.textContent = this.count;
    link.setAttribute("hx-boost", "false");
    this.open.append(link, document.createElement("span"));
    this.openText = "";
    this.openStyle = [...this.style_];
    this.chunk.append(this.open);
  }

  // One line: the last of what was written over itself, cut where colours change.
  fill() {
    const span = this.open.lastElementChild;
    span.textContent = "";
    let style = [...this.openStyle];
    const shown = this.openText.replace(/\r+$/, "").split("\r").pop();
    let at = 0;
    const part = (text) => {
      if (!text) return;
      const piece = document.createElement("span");
      piece.textContent = text;
      if (style.length) piece.className = style.join(" ");
      span.append(piece);
    };
    for (const found of shown.matchAll(escapes)) {
      part(shown.slice(at, found.index));
      at = found.index + found[0].length;
      if (found[2] === "m") style = this.styled(style, found[1]);
    }
    part(shown.slice(at));
    this.style_ = style;
  }

  styled(style, codes) {
    for (const code of (codes || "0").split(";").map(Number)) {
      if (code === 0) style = [];
      else if (code === 1) style = [...style, "stoa-bold"];
      else if (code === 22) style = style.filter((name) => name !== "stoa-bold");
      else if (code === 4) style = [...style, "stoa-under"];
      else if (code === 24) style = style.filter((name) => name !== "stoa-under");
      else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) {
        style = [...style.filter((name) => !name.startsWith("stoa-ink-")), `stoa-ink-${code % 10}`];
      } else if (code === 39) style = style.filter((name) => !name.startsWith("stoa-ink-"));
    }
    return style;
  }

  wrap(isOn) {
    this.classList.toggle("stoa-wrap", isOn);
    this.querySelector('[data-do="wrap"]').setAttribute("aria-pressed", isOn);
  }

  follow(isOn) {
    this.isFollowing = isOn;
    this.querySelector('[data-do="follow"]').setAttribute("aria-pressed", isOn);
    if (isOn) this.pane.scrollTop = this.pane.scrollHeight;
  }

  search(text) {
    this.wanted = text;
    const low = text.toLowerCase();
    this.hits = [];
    for (const line of this.pane.querySelectorAll(".stoa-log-line")) {
      const isHit = low !== "" && line.lastElementChild.textContent.toLowerCase().includes(low);
      line.classList.toggle("stoa-hit", isHit);
      if (isHit) this.hits.push(line);
    }
    this.at = -1;
    this.querySelector("[data-found]").textContent = low ? String(this.hits.length) : "";
  }

  next(by) {
    if (!this.hits?.length) return;
    this.at = (this.at + by + this.hits.length) % this.hits.length;
    this.follow(false);
    this.hits[this.at].scrollIntoView({ block: "center" });
    this.querySelector("[data-found]").textContent = `${this.at + 1} / ${this.hits.length}`;
  }

  jump(id) {
    const line = document.getElementById(id);
    if (!line) return;
    const fold = this.closest("details");
    if (fold) fold.open = true;
    this.isFollowing = false;
    requestAnimationFrame(() => line.scrollIntoView({ block: "center" }));
  }
});
