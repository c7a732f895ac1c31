// Relative times stay true while a page is open.
const said = (at) => {
  const seconds = (Date.now() - at) / 1000;
  const span = Math.abs(seconds);
  if (span < 45) return "just now";
  const [count, unit] = span < 5400 ? [Math.ceil(span / 60), "min"]
    : span < 129600 ? [Math.round(span / 3600), "h"]
    : span < 3888000 ? [Math.round(span / 86400), "days"] : [];
  if (!unit) return undefined;
  return seconds >= 0 ? `${count} ${unit} ago` : `in ${count} ${unit}`;
};
setInterval(() => {
  document.querySelectorAll('time[is="stoa-time"]').forEach((time) => {
    const text = said(Date.parse(time.dateTime));
    if (text && text !== time.textContent) time.textContent = text;
  });
}, 15000);
