#!/usr/bin/env bash
# Images per second and core: the Python library captcha 0.3 against byecaptcha-dataset, in turns on one core in one run.
# Both draw 128x48 images of 4, 5 and 6 symbols at font size 40 and encode them as JPEG in memory.
#
#   scripts/bench_dataset.sh [images per round, default 1000] [rounds, default 5]
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C # for times with a decimal point
images=${1:-1000}
rounds=${2:-5}

venv=.venv/captcha
if ! [ -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
    # captcha 0.3 asks ImageDraw for `textsize`, which Pillow 10 no longer has. What is older is built for Python 3.11 at most.
    "$venv/bin/pip" install --quiet --only-binary Pillow 'captcha==0.3' 'Pillow<10' || {
        rm -rf "$venv"
        echo "bench_dataset.sh: Pillow 9 is there for Python 3.11 and older; this is $(python3 --version)" >&2
        exit 1
    }
fi
cargo build --quiet --release -p byecaptcha-dataset --example draw_many

# Pinned to one core where the system can do that; neither side uses a second thread in any case.
one_core=()
if command -v taskset >/dev/null; then
    one_core=(taskset -c 0)
fi

draw_in_python='
import random
import string
import sys

from captcha.image import ImageCaptcha

symbols = [c for c in string.ascii_letters + string.digits if c not in "Oo0"]
captcha = ImageCaptcha(width=128, height=48, font_sizes=[40])
for index in range(int(sys.argv[1])):
    captcha.generate("".join(random.choices(symbols, k=4 + index % 3)), format="jpeg").getvalue()
'

# Processor time is counted, not the clock, and the medians are compared: other programs may be running.
TIMEFORMAT='%U %S'
seconds() { # seconds COMMAND...: processor time of the command
    { time "${one_core[@]}" "$@" >/dev/null; } 2>&1 | awk '{ print $1 + $2 }'
}

python3 scripts/bench_setting.py
"$venv/bin/python" -c 'import PIL; print("Pillow", PIL.__version__)'
python_start=$(seconds "$venv/bin/python" -W ignore -c "$draw_in_python" 0)
python_seconds=()
rust_seconds=()
for _ in $(seq "$rounds"); do
    python_seconds+=("$(seconds "$venv/bin/python" -W ignore -c "$draw_in_python" "$images")")
    rust_seconds+=("$(seconds target/release/examples/draw_many "$((images * 10))")")
done
python3 - "$images" "$python_start" "${python_seconds[*]}" "${rust_seconds[*]}" <<'PYTHON'
import statistics
import sys

images, start = int(sys.argv[1]), float(sys.argv[2])
python, rust = (statistics.median(map(float, seconds.split())) for seconds in sys.argv[3:])
python_rate, rust_rate = images / (python - start), 10 * images / rust  # without the time Python takes to start
print(f"Python captcha 0.3    {python_rate:8.0f} images per second and core")
print(f"byecaptcha-dataset    {rust_rate:8.0f} images per second and core")
print(f"ratio                 {rust_rate / python_rate:8.1f}")
PYTHON
