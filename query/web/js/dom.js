// Making elements. Data becomes text nodes only, never markup.

/**
 * An element with properties and children. `on…` properties are listeners,
 * `aria-…`, `data-…`, `for` and `role` attributes, `--…` custom properties of its style.
 */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("--")) node.style.setProperty(name, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (/^(aria-|data-|for$|role$|scope$)/.test(name)) node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.flat().filter((child) => child !== undefined && child !== null));
  return node;
}

export const byId = (id) => document.getElementById(id);

/** Puts options into a select and keeps what was chosen when it is still there. */
export function choices(select, options, preferred) {
  select.closest("label").hidden = !options.length;
  const before = select.value;
  select.replaceChildren(...options.map(({ value, label }) => el("option", { value, textContent: label })));
  const has = (value) => options.some((option) => option.value === value);
  if (has(before) && select.dataset.chosen) select.value = before;
  else if (has(preferred)) select.value = preferred;
}

/** Tells a screen reader something, once. */
export function announce(text) {
  byId("announcer").textContent = text;
}
