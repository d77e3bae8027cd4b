// The look of /docs: plain, wide enough for tables, dark where the reader's system is.
export const STYLE = `:root { color-scheme: light dark; --line: #8884; }
* { box-sizing: border-box; }
body { display: grid; grid-template-columns: 17rem minmax(0, 1fr); margin: 0; font: 16px/1.5 system-ui, sans-serif; }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1rem; border-right: 1px solid var(--line); }
nav h1 { font-size: 1.2rem; } nav h2 a { color: inherit; } nav h2 { font-size: 1rem; margin: 1rem 0 0; }
nav ul { list-style: none; margin: 0; padding: 0; font-size: .9rem; }
main { padding: 1rem 2rem; max-width: 70rem; }
h2, h3 { scroll-margin-top: 1rem; } h3 a { color: inherit; text-decoration: none; } h3 a:hover { text-decoration: underline; }
:target { outline: 2px solid Highlight; outline-offset: .5rem; } a:focus-visible, summary:focus-visible { outline: 2px solid; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: 1rem; }
article { overflow-x: auto; border-top: 1px solid var(--line); padding: .5rem 0 1.5rem; }
h3 { margin-bottom: 0; font-size: 1.05rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
td:last-child { overflow-wrap: anywhere; }
th, td { text-align: left; vertical-align: top; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--line); }
pre { overflow: auto; padding: .75rem; border: 1px solid var(--line); font-size: .85rem; }
i { opacity: .7; font-size: .85em; } summary { cursor: pointer; margin-top: .5rem; }
.d1 { padding-left: 1.25rem; } .d2 { padding-left: 2.5rem; } .d3 { padding-left: 3.75rem; }
.d4 { padding-left: 5rem; } .d5 { padding-left: 6.25rem; }
@media (max-width: 50rem) { body { display: block; } nav { position: static; height: auto; } }
`;
