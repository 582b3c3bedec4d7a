/* What the book's pages do by themselves: the search, the theme, the contents on a narrow screen.

   Everything else works without this script. It needs no server: the index is a script too, which is
   loaded when the search is used first. All is to be had by the keyboard: "/" goes to the search,
   Escape leaves it, Tab goes through what it has found. */
"use strict";

(function () {
    const root = document.documentElement;
    const themes = ["system", "light", "dark"];
    const said = root.lang === "zh" ? {
        theme: "主题：", system: "随系统", light: "浅色", dark: "深色", none: "没有找到",
        sections: " 节", first: "，前 30 节：", colon: "：", wide: "内容较宽：用方向键移动"
    } : {
        theme: "Theme: ", system: "as the system", light: "light", dark: "dark",
        none: "nothing found", sections: " sections", first: ", the first 30:", colon: ":",
        wide: "wide: move it by the arrow keys"
    };

    /* The theme that was chosen before. A browser may keep nothing for pages from files. */
    function kept() {
        try {
            return themes.includes(localStorage.theme) ? localStorage.theme : "system";
        } catch (error) {
            return "system";
        }
    }

    function setTheme(theme) {
        if (theme === "system")
            delete root.dataset.theme;
        else
            root.dataset.theme = theme;
        try {
            localStorage.theme = theme;
        } catch (error) {
            /* It is chosen for this page alone. */
        }
    }

    let theme = kept();
    root.classList.add("script");
    setTheme(theme);

    function element(name, text) {
        const made = document.createElement(name);
        made.textContent = text;
        return made;
    }

    /* The index is loaded once; `then` is called when it is there. */
    function withIndex(then) {
        if (window.RVLAB_INDEX)
            return then();
        const script = element("script", "");
        script.src = "index.js";
        script.onload = then;
        document.head.append(script);
    }

    /* Sections that have all words: those with a word in their title first. */
    function search(wanted) {
        const found = [];
        for (const [page, anchor, title, text] of window.RVLAB_INDEX.sections) {
            const head = title.toLowerCase(), all = head + " " + text.toLowerCase();
            if (wanted.every(word => all.includes(word))) {
                const points = wanted.filter(word => head.includes(word)).length;
                found.push({page, anchor, title, text, points});
            }
        }
        return found.sort((a, b) => b.points - a.points);
    }

    /* Some words around the first that was found, which is marked. */
    function excerpt(text, wanted) {
        const low = text.toLowerCase();
        const word = wanted.find(each => low.includes(each));
        const made = element("p", "");
        if (word === undefined)
            return element("p", text.slice(0, 120));
        const at = low.indexOf(word), begin = Math.max(0, at - 60);
        made.append((begin ? "… " : "") + text.slice(begin, at),
                    element("mark", text.slice(at, at + word.length)),
                    text.slice(at + word.length, at + 90) + " …");
        return made;
    }

    function show(box, input) {
        const wanted = input.value.toLowerCase().split(/\s+/).filter(
            word => word.length > 1 || word > "\u007f");
        const list = box.querySelector("ol");
        list.replaceChildren();
        box.hidden = wanted.length === 0;
        if (box.hidden)
            return;
        const found = search(wanted);
        document.getElementById("count").textContent = found.length === 0 ? said.none
            : found.length + said.sections + (found.length > 30 ? said.first : said.colon);
        for (const each of found.slice(0, 30)) {
            const [name, title] = window.RVLAB_INDEX.pages[each.page];
            const link = element("a", title === each.title ? title : title + " › " + each.title);
            link.href = name + ".html#" + each.anchor;
            const item = element("li", "");
            item.append(link, excerpt(each.text, wanted));
            list.append(item);
        }
    }

    /* A box that can be moved sideways must be reached by the keyboard, others need not. */
    function reachable() {
        for (const box of document.querySelectorAll("pre, .table, .picture"))
            if (box.clientWidth && box.scrollWidth > box.clientWidth) {
                box.tabIndex = 0;
                box.setAttribute("role", "region");
                box.setAttribute("aria-label", said.wide);
            }
    }

    /* What is folded is open on paper, and where a link leads into it. */
    function open(all) {
        for (const each of all)
            each.open = true;
    }

    function openTarget() {
        const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
        for (let each = place; each; each = each.parentElement)
            if (each.tagName === "DETAILS")
                each.open = true;
    }

    document.addEventListener("DOMContentLoaded", () => {
        const button = document.getElementById("theme"), menu = document.getElementById("menu");
        const contents = document.getElementById("contents");
        const box = document.getElementById("found"), input = document.getElementById("words");
        const tell = () => { button.textContent = said.theme + said[theme]; };
        tell();
        button.onclick = () => {
            theme = themes[(themes.indexOf(theme) + 1) % themes.length];
            setTheme(theme);
            tell();
        };
        menu.onclick = () => {
            const isOpen = contents.classList.toggle("open");
            menu.setAttribute("aria-expanded", isOpen);
        };
        input.oninput = () => withIndex(() => show(box, input));
        document.getElementById("find").onsubmit = event => {
            event.preventDefault();
            const first = box.querySelector("a");
            if (first)
                first.focus();
        };
        box.addEventListener("click", event => {
            if (event.target.tagName === "A")
                box.hidden = true;
        });
        document.addEventListener("keydown", event => {
            const typing = /^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName);
            if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
                event.preventDefault();
                input.focus();
            } else if (event.key === "Escape" && !box.hidden) {
                box.hidden = true;
                input.focus();
            }
        });
        const current = contents.querySelector("[aria-current]");
        if (current)
            contents.scrollTop = current.offsetTop - 60;
        reachable();
        openTarget();
    });
    /* What was folded, or on a wider window, had no width before. */
    document.addEventListener("toggle", reachable, true);
    window.addEventListener("resize", reachable);
    window.addEventListener("hashchange", openTarget);
    window.addEventListener("beforeprint", () => open(document.querySelectorAll("details")));
})();
