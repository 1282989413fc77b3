// Looks of <wrtc-phone>: a page sets the custom properties, or styles the parts. A sheet that is made by script is
// allowed by every Content-Security-Policy, while a <style> element or a style attribute is not.

export const LOOKS = `
:host {
  --wrtc-accent: #1d5bbf;
  --wrtc-go: #0f7a43;
  --wrtc-stop: #c22b2b;
  --wrtc-on-accent: #ffffff;
  --wrtc-radius: 10px;
  display: block;
  max-inline-size: 24rem;
  color: inherit;
  font: inherit;
}
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
form, .call { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; }
.call { margin-block-start: 0.75rem; }
.call > p { flex: 1 0 100%; margin: 0; font-weight: 600; overflow-wrap: anywhere; }
[part="status"] { margin: 0.5rem 0 0; min-block-size: 1.5em; overflow-wrap: anywhere; }
input {
  flex: 1 1 8rem;
  min-inline-size: 0;
  min-block-size: 44px;
  padding: 0 0.75rem;
  border: 1px solid GrayText;
  border-radius: var(--wrtc-radius);
  background: Field;
  color: FieldText;
  font: inherit;
}
button {
  min-block-size: 44px;
  min-inline-size: 44px;
  padding: 0 1rem;
  border: 1px solid currentColor;
  border-radius: var(--wrtc-radius);
  background: transparent;
  color: inherit;
  font: inherit;
  cursor: pointer;
}
button:disabled { opacity: 0.6; cursor: default; }
button.primary { background: var(--wrtc-accent); border-color: var(--wrtc-accent); color: var(--wrtc-on-accent); }
button.go { background: var(--wrtc-go); border-color: var(--wrtc-go); color: var(--wrtc-on-accent); }
button.stop { background: var(--wrtc-stop); border-color: var(--wrtc-stop); color: var(--wrtc-on-accent); }
button[aria-pressed="true"], button[aria-expanded="true"] { outline: 2px solid currentColor; outline-offset: -4px; }
:focus-visible { outline: 3px solid var(--wrtc-accent); outline-offset: 2px; }
.pad { display: grid; grid-template-columns: repeat(3, 1fr); gap: 0.5rem; flex: 1 0 100%; }
`;
