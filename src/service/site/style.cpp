#include "style.hpp"

namespace instatunnel::service {

// Colours keep a contrast of 4.5 to 1 and more against what they stand on (WCAG 2.1, 1.4.3), in both schemes.
const std::string_view page_style =
    R"css(:root{color-scheme:light dark;--ground:#f4f6f9;--paper:#fff;--ink:#1b2129;--soft:#525c69;--line:#d5dbe3;--edge:#7d8794;--blue:#1b58c4;--blue-ink:#fff;--red:#b3211b;--red-paper:#fdeceb;--red-ink:#5c1310;--green:#186a35;--green-paper:#e7f5ec;--green-ink:#0e3f20;--code:#eef1f5}
@media(prefers-color-scheme:dark){:root{--ground:#12151a;--paper:#1b2028;--ink:#e7eaee;--soft:#a9b3bf;--line:#353d48;--edge:#7f8a97;--blue:#8ab4ff;--blue-ink:#0b1a33;--red:#ff8f88;--red-paper:#3a1c1b;--red-ink:#ffd3d0;--green:#7fd79b;--green-paper:#15301f;--green-ink:#cdf2d9;--code:#262d37}}
*{box-sizing:border-box}
body{margin:0;font:16px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif;background:var(--ground);color:var(--ink)}
a{color:var(--blue)}
a:focus-visible,button:focus-visible,input:focus-visible,select:focus-visible,summary:focus-visible{outline:3px solid var(--blue);outline-offset:2px}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--paper);padding:.5rem 1rem}
.small{max-width:27rem;margin:8vh auto 2rem;padding:0 1rem}
.paper{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:1.75rem}
h1{font-size:1.4rem;line-height:1.3;margin:0 0 1rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
label,.label{display:block;font-weight:600;margin:1rem 0 .25rem}
label.choice{font-weight:400;margin:.6rem 0;display:flex;gap:.5rem;align-items:baseline}
fieldset{border:1px solid var(--line);border-radius:8px;margin:1rem 0;padding:.5rem 1rem 1rem}legend{font-weight:600;padding:0 .4rem}
.choices{display:grid;column-gap:1.25rem;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr))}
input[type=text],input[type=email],input[type=password],select{width:100%;padding:.6rem .7rem;font:inherit;color:inherit;background:var(--paper);border:1px solid var(--edge);border-radius:7px}
button{padding:.6rem 1.15rem;font:inherit;font-weight:600;white-space:nowrap;border:1px solid transparent;border-radius:7px;background:var(--blue);color:var(--blue-ink);cursor:pointer}
button.quiet{background:transparent;color:var(--ink);border-color:var(--edge);font-weight:400}
button.danger{background:transparent;color:var(--red);border-color:var(--red);font-weight:400}
.buttons{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}
.inline{display:inline}
small,.soft{color:var(--soft)}small{display:block;margin-top:1rem}
.problem,.notice{margin:0 0 1rem;padding:.7rem .9rem;border-left:4px solid var(--red);background:var(--red-paper);color:var(--red-ink)}
.notice{border-color:var(--green);background:var(--green-paper);color:var(--green-ink)}
ul.plain{padding:0;list-style:none;margin:.5rem 0}ul.plain li{padding:.45rem 0;border-top:1px solid var(--line)}ul.plain li:first-child{border-top:0}
code,.mono{font:.95em ui-monospace,"SFMono-Regular",Menlo,monospace;background:var(--code);border-radius:4px;padding:.1rem .3rem;overflow-wrap:anywhere}
time,td code{white-space:nowrap}
.secret{display:block;padding:.8rem;margin:.5rem 0 1rem;user-select:all}
.code{font-size:1.6rem;letter-spacing:.12em;text-transform:uppercase}
header.top{background:var(--paper);border-bottom:1px solid var(--line)}
.wide{max-width:70rem;margin:0 auto;padding:0 1rem}
header.top .wide{display:flex;flex-wrap:wrap;gap:.4rem 1.25rem;align-items:center;padding-top:.7rem;padding-bottom:.7rem}
header.top .who{margin-left:auto;display:flex;gap:.75rem;align-items:center}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.1rem;list-style:none;margin:0;padding:0}
nav a[aria-current]{color:inherit;font-weight:700;text-decoration:none}
main.wide{padding-top:1.5rem;padding-bottom:4rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}caption{text-align:left}th,td{text-align:left;padding:.5rem .75rem .5rem 0;border-top:1px solid var(--line);vertical-align:top}thead th{border-top:0;color:var(--soft);font-weight:600}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.25rem}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.qr{display:block;width:12rem;height:12rem;background:#fff;padding:.75rem;border-radius:8px}
@media(max-width:34rem){dl{grid-template-columns:1fr}dd{margin-bottom:.5rem}.paper{padding:1.25rem}})css";

}  // namespace instatunnel::service
