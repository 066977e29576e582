#!/usr/bin/env python3
"""Started by packaging/site.sh: README.md as HTML, the same head on each page, and every link looked at.

The Markdown is what README uses and no more; anything else is an error, so that it shows.
"""

import html
import pathlib
import re
import sys

OUT = pathlib.Path(sys.argv[1])
PAGES = sorted(path.name for path in (OUT / "man").glob("*.html"))


def inline(text):
    codes = []

    def keep(match):
        codes.append(f"<code>{html.escape(match[1], quote=False)}</code>")
        return f"\0{len(codes) - 1}\0"

    text = html.escape(re.sub(r"`([^`]+)`", keep, text), quote=False)
    text = re.sub(r"\[([^\]]+)\]\(([^)]+)\)", link, text)
    return re.sub(r"\0(\d+)\0", lambda match: codes[int(match[1])], text)


def link(match):
    words, target = match[1], match[2]
    if re.fullmatch(r"man/[\w.-]+\.[1-8]", target):
        target += ".html"
    elif not target.startswith("http"):
        return words  # a file of the sources, which the site has not
    return f'<a href="{target}">{words}</a>'


def anchor(title):
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def markdown(text):
    out, lines, index = [], text.splitlines(), 0
    while index < len(lines):
        line = lines[index]
        start = index
        if line.startswith("```"):
            index += 1
            while not lines[index].startswith("```"):
                index += 1
            out.append(f"<pre><code>{html.escape(chr(10).join(lines[start + 1:index]), quote=False)}</code></pre>")
        elif found := re.match(r"(#+) (.*)", line):
            level = len(found[1])
            out.append(f'<h{level} id="{anchor(found[2])}">{inline(found[2])}</h{level}>')
        elif line.startswith("|"):
            while index + 1 < len(lines) and lines[index + 1].startswith("|"):
                index += 1
            rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in lines[start:index + 1]]
            cells = lambda row, tag: "<tr>" + "".join(f"<{tag}>{inline(cell)}</{tag}>" for cell in row) + "</tr>"
            out.append('<div class="scroll"><table>' + cells(rows[0], "th") + "".join(cells(row, "td") for row in rows[2:]) + "</table></div>")
        elif line.startswith("- "):
            while index + 1 < len(lines) and lines[index + 1].startswith("- "):
                index += 1
            out.append("<ul>" + "".join(f"<li>{inline(item[2:])}</li>" for item in lines[start:index + 1]) + "</ul>")
        elif line.startswith("<picture>"):
            while "</picture>" not in lines[index]:
                index += 1
            out.append("<p>" + "\n".join(lines[start:index + 1]) + "</p>")
        elif line.strip():
            while index + 1 < len(lines) and re.match(r"[^\s#|`<-]", lines[index + 1]):
                index += 1
            out.append(f"<p>{inline(' '.join(lines[start:index + 1]))}</p>")
        index += 1
    return "\n".join(out)


def navigation(up):
    names = [(f"{up}index.html", "wif-agent")] + [(f"{up}man/{page}", page.removesuffix(".html")) for page in PAGES]
    return '<nav class="site">' + " ".join(f'<a href="{target}">{name}</a>' for target, name in names) + "</nav>"


def finish(path, text):
    if 'name="viewport"' not in text:
        text = text.replace("<head>", '<head>\n<meta name="viewport" content="width=device-width, initial-scale=1">', 1)
    path.write_text(text)


def problems():
    texts = {path: path.read_text() for path in OUT.rglob("*.html")}
    for path, text in texts.items():
        for target in re.findall(r'\b(?:href|src|srcset)="([^"]+)"', text):
            target = html.unescape(target)
            if re.match(r"https?:", target):
                continue
            file, _, part = target.partition("#")
            there = (path.parent / file).resolve() if file else path.resolve()
            found = next((text for other, text in texts.items() if other.resolve() == there), None)
            if not there.exists():
                # Other programs' pages are not here.
                if re.search(r"/(?!wif-)[\w.@-]+\.\d\.html$", str(there)):
                    continue
                yield f"{path.name}: {target} is not there"
            elif part and found is not None and f'id="{part}"' not in found:
                yield f"{path.name}: {target} leads to no such place"


def main():
    readme = pathlib.Path("README.md").read_text()
    finish(OUT / "index.html", "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>wif-agent</title>\n"
           f'<link rel="stylesheet" href="style.css">\n</head>\n<body>\n{navigation("")}\n<main>\n{markdown(readme)}\n</main>\n</body>\n</html>\n')
    for page in PAGES:
        path = OUT / "man" / page
        text = path.read_text()
        # A page of another program is no link here.
        text = re.sub(r'<a class="Xr" href="(?!wif-)[^"]*">([^<]*)</a>', r'<span class="Xr">\1</span>', text)
        text = re.sub(r"<body>", f"<body>\n{navigation('../')}", text, count=1)
        finish(path, text)
    found = sorted(set(problems()))
    print("\n".join(found) or f"{len(PAGES) + 1} pages, every link leads somewhere: {OUT}/index.html")
    sys.exit(bool(found))


main()
