"""A small page on this machine that says what a picture shows: ``python -m helpers.page model.keras``.

It is Gradio, reduced: it listens at the loopback address alone, answers what the page itself asks for and nothing else,
lets the browser load nothing from elsewhere, and keeps nothing that it was given.
"""

import argparse
import contextlib
import html
import io
import os
import socket
import sys
import tempfile
from pathlib import Path

from helpers import predict, session
from helpers.course import jupyter
from helpers.pictures import naming

HOST, PORT = "127.0.0.1", 7860
TRIED = 50  # ports
MOST_BYTES = 32 * 2**20  # of a file
KEPT = (60, 600)  # every 60 s, what was uploaded more than 600 s ago is deleted
BARS = 10  # classes shown, the most probable
SIDE = 280  # of a picture on the page, in pixels
MISSING = (
    'The page needs Gradio: pip install "swap-the-head[page]" (in the folder of the course: pip install ".[page]").'
)
QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "1"}
ASKED = ("/", "/theme.css", "/favicon.ico", "/manifest.json")  # by the page itself
ASKED_BELOW = ("/assets/", "/static/", "/gradio_api/upload", "/gradio_api/queue/")
POLICY = (  # for the browser: a model card that comes from elsewhere may name pictures anywhere
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "form-action 'none'; frame-ancestors 'none'"
)
STYLE = """
#words .md {font-size: 1.2em}
.asked #words .md, .asked #answer {visibility: hidden}
.asked #words::before {content: "No answer yet. If none comes, the file was refused: no picture, or above MOST MB."}
#seen img {outline: 1px solid #8C8C8C; outline-offset: -1px}
#bars .inner-wrap {min-width: 0; width: 100%}
#bars .text {min-width: 0; overflow-wrap: anywhere; white-space: normal}
#card {overflow-x: auto}
#card th, #card td {overflow-wrap: normal; word-break: normal; padding: 0.3em}
""".replace("MOST", str(MOST_BYTES // 2**20))
# The answer before is taken from sight as soon as another file is given, which the browser itself may refuse.
SCRIPT = """<script>
  const given = (event) => event.target.closest("#drop") && document.body.classList.add("asked");
  ["change", "drop"].forEach((name) => document.addEventListener(name, given, true));
  const ofWords = (change) => (change.target.parentElement ?? change.target).closest?.("#words");
  const answered = (changes) => changes.some(ofWords) && document.body.classList.remove("asked");
  new MutationObserver(answered).observe(document, {childList: true, subtree: true, characterData: true});
</script>"""


class PageError(RuntimeError):
    """The page cannot be shown: a package is missing, or no port is free."""


class Answers(predict.Asked):
    """What a saved model says of a picture, and where it looked: a function of the picture's path.

    Raises `helpers.saving.model_file.ModelFileError` when the file at `path` cannot be loaded in safe mode.
    """

    def __call__(self, path):
        """Return the answer in words (HTML), the probability of each class (a dict), and the pictures (HTML).

        Raises ValueError when the file is no picture.
        """
        from helpers import plots
        from helpers.course.widgets import frame

        pixels, table, answer = super().__call__(path)
        name, share = table["class"][0], table["probability"][0]
        said = f"<strong>{_plain(name)}</strong>, with a probability of {share:.1%}."
        if answer == predict.UNKNOWN:
            said = f"<strong>unknown</strong>. The most probable class is {_plain(name)}, {share:.1%}: less than the "
            said += f"{self.unknown_below:.1%} that this model's answer needs."
        seen = [frame.thumbnail_html(pixels[0], "The picture as the model sees it", "as the model sees it", SIDE)]
        no_cam = self.no_cam
        try:
            evidence = self.evidence(pixels, name) if self.cam else None
        except ValueError as error:  # no gradient, for instance
            evidence, no_cam = None, str(error)
        if evidence is not None:
            alt = f"The same picture in grey, coloured up to bright yellow where it speaks for {name}"
            coloured = plots.overlay(pixels[0], evidence)
            seen.append(frame.thumbnail_html(coloured, alt, f"what speaks for {name}", SIDE))
        no_cam = f"<p>Where it looked cannot be shown. {_plain(no_cam)}</p>" if no_cam else ""
        shares = dict(table.itertuples(index=False))
        return f"{_plain(Path(path).name)}: {said}", shares, frame.row_html(seen) + no_cam


def build(path):
    """Return the page, a gradio.Blocks, for a model that `helpers.saving.export.save` wrote.

    Raises `PageError` without Gradio, `helpers.saving.model_file.ModelFileError` when the file cannot be loaded.
    """
    gr = _gradio()
    from helpers.saving import export, model_card

    path = Path(path).expanduser()
    answers, card = Answers(path), model_card.path_beside(path)
    names, most = answers.class_names, MOST_BYTES // 2**20

    def answer(given):
        try:
            words, shares, pictures = answers(given)
        except Exception as error:  # whatever a file does, it is said on the page
            problem = f'<div role="alert"><strong>No answer.</strong> {_plain(error) or type(error).__name__}</div>'
            return None, problem, None, "", gr.update(visible=False)
        return None, f'<div role="status">{words}</div>', shares, pictures, gr.update(visible=True)

    with gr.Blocks(title=f"What {naming.shown(path.name)} sees", delete_cache=KEPT) as page:
        listed = _plain(", ".join(names[:BARS])) + (", ..." if len(names) > BARS else "")
        gr.Markdown(f"<h1>What does your picture show?</h1><p>{_plain(path.name)} knows {len(names)}: {listed}.</p>")
        drop = gr.File(label=f"Picture, at most {most} MB", file_types=list(naming.ENDINGS), height=150, elem_id="drop")
        words = gr.Markdown("No picture yet.", elem_id="words")
        with gr.Row(visible=False, elem_id="answer") as row:
            bars = gr.Label(
                num_top_classes=BARS, label="Probability", show_heading=False, min_width=SIDE, elem_id="bars"
            )
            with gr.Column(min_width=SIDE):
                seen = gr.Markdown(elem_id="seen")
        if problem := export.card_problem(path):
            gr.Markdown(f'<div role="note"><strong>Note.</strong> {_plain(problem)}</div>', elem_id="problem")
        if card.is_file():
            text = card.read_text(encoding="utf-8", errors="replace")
            gr.Markdown(text, latex_delimiters=[], container=True, elem_id="card")
        shown = [drop, words, bars, seen, row]
        drop.upload(answer, drop, shown, concurrency_limit=1, api_visibility="private", show_progress_on=words)
    return page


def _plain(text):
    return html.escape(naming.shown(" ".join(str(text).split())))


def _gradio():
    os.environ.update(QUIET)  # read at the import
    try:
        import gradio
    except ImportError as error:
        raise PageError(MISSING) from error
    return gradio


def application(page):
    """Return the page that `build` made as an ASGI application, which answers what the page asks for and no more."""
    gr = _gradio()
    import fastapi
    from starlette import datastructures, responses

    theme = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    safe = {"max_file_size": MOST_BYTES, "show_error": False, "enable_monitoring": False, "run_history": False}
    plain = {
        "footer_links": [],
        "ssr_mode": False,
        "mcp_server": False,
        "pwa": False,
        "theme": theme,
        "css": STYLE,
        "head": SCRIPT,
    }
    page.has_launched = True  # or Gradio would open whatever path it is sent, not only what was uploaded
    inner = gr.mount_gradio_app(fastapi.FastAPI(openapi_url=None), page, "/", server_name=HOST, **safe, **plain)

    async def guarded(scope, receive, send):
        if scope["type"] != "http":
            return await inner(scope, receive, send)
        path, headers = scope["path"], datastructures.Headers(scope=scope)
        asked = path in ASKED or path.startswith(ASKED_BELOW)
        from_here = path == "/" or headers.get("sec-fetch-site", "none") in ("none", "same-origin")
        host = headers.get("host", "").lower()
        from_here = from_here and headers.get("origin", f"http://{host}").lower() == f"http://{host}"
        if not asked or not from_here or host.partition(":")[0] not in (HOST, "localhost"):
            return await responses.PlainTextResponse("Not a part of the page.", 403)(scope, receive, send)

        async def send_with_policy(message):
            if message["type"] == "http.response.start":
                datastructures.MutableHeaders(scope=message)["Content-Security-Policy"] = POLICY
            await send(message)

        await inner(scope, receive, send_with_policy)

    return guarded


def serve(path, port=PORT, browser=True):
    """Show the page for the model at `path` at the loopback address until Ctrl-C, which raises KeyboardInterrupt.

    `port` is the next free one where it is taken, 0 any; `browser` says whether to open one where a person sits before
    it. Raises what `build` raises, and `PageError` when no port is free.
    """
    with tempfile.TemporaryDirectory(prefix="swap_the_head_page_") as folder, jupyter.signals_as_ctrl_c():
        os.environ["GRADIO_TEMP_DIR"] = folder  # read when Gradio is imported
        app = application(build(path))
        import uvicorn

        with _listening(port) as listener:
            actual = listener.getsockname()[1]
            if port not in (0, actual):
                print(f"Port {port} is taken: the page uses {actual}.")
            address = f"http://{HOST}:{actual}/"
            print(f"The page is at {address}, for this machine alone. Ctrl-C ends it.", flush=True)
            if browser and (found := jupyter.browser_here()):
                found.open(address)
            quiet = {"log_config": None, "log_level": "critical", "timeout_graceful_shutdown": 1}
            uvicorn.Server(uvicorn.Config(app, **quiet)).run(sockets=[listener])


def _listening(port):
    for candidate in range(port, port + TRIED) if port > 0 else [port]:
        with contextlib.suppress(OSError, OverflowError):
            return socket.create_server((HOST, candidate))
    raise PageError(f"No port from {port} on is free (those below 1024 are for root): choose another with --port.")


def main(arguments=None, program="python -m helpers.page"):
    """Show the page for the model named on the command line; return 130 after Ctrl-C, 1 when it cannot be shown."""
    session.make_streams_safe("backslashreplace")
    parser = argparse.ArgumentParser(prog=program, description="Show what a model says of pictures, on a small page.")
    parser.add_argument("model", help="a file that export.save wrote, ending in .keras")
    after = "%(default)s by default; the next free one where taken"
    parser.add_argument("--port", type=session.port, default=PORT, help=after)
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="only print the address")
    given = parser.parse_args(arguments)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # without the line of versions
            session.start()
        serve(given.model, given.port, given.browser)
    except (PageError, ValueError, OSError) as error:
        print(naming.shown(" ".join(str(error).split())), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. Nothing that was given to the page is kept.", file=sys.stderr)
    return 130


if __name__ == "__main__":
    sys.exit(main())
