#!/usr/bin/env bash
# Builds llama.cpp's own server and llama-cpp-python's into a folder of their own, both from the sources that
# llama-cpp-python carries, compiled once. Needs cmake and a C++ compiler; takes 10 to 30 minutes the first time and
# nothing after that. Nothing of it enters the project's environment.
#
# usage: build.sh FOLDER   (LTB_ENGINES_JOBS: compilers at once, by default one a core)
set -euo pipefail

folder=$(mkdir -p "$1" && cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
pinned=$(sed -n 's/^llama-cpp-python\[server\]==//p' "$here/requirements.txt")
source=$folder/llama_cpp_python-$pinned
python=$folder/venv/bin/python
jobs=${LTB_ENGINES_JOBS:-$(getconf _NPROCESSORS_ONLN)}

for tool in cmake c++; do
    command -v "$tool" >/dev/null || { echo "make test-engines needs $tool (on Debian: apt install cmake g++)." >&2; exit 1; }
done

[[ -x $python ]] || "$("$here/../../ops/dev/python.sh")" -m venv "$folder/venv"
pip() { "$python" -m pip --quiet --disable-pip-version-check "$@"; }
"$python" -c 'import gguf, ninja, scikit_build_core' 2>/dev/null || {
    echo "==> Installing what the build needs"
    # shellcheck disable=SC2046 # one word a requirement
    pip install $(grep -v -e '^#' -e '^llama' "$here/requirements.txt")
}

if [[ ! -d $source ]]; then
    echo "==> Fetching the sources of llama-cpp-python $pinned"
    PATH=$folder/venv/bin:$PATH pip download --no-deps --no-build-isolation --no-binary :all: --dest "$folder" "llama-cpp-python==$pinned"
    mkdir -p "$source.part"
    tar -xzf "$source.tar.gz" -C "$source.part" --strip-components 1
    mv "$source.part" "$source"
fi

echo "==> Compiling llama.cpp (log: $folder/build.log)"
export PATH=$folder/venv/bin:$PATH
# -O1: the model is tiny, and compiling is what takes the time. No web page, no TLS, no downloads.
if ! {
    cmake -S "$source/vendor/llama.cpp" -B "$folder/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_C_FLAGS_RELEASE="-O2 -DNDEBUG" -DCMAKE_CXX_FLAGS_RELEASE="-O1 -DNDEBUG" -DBUILD_SHARED_LIBS=ON \
        -DLLAMA_BUILD_COMMON=ON -DLLAMA_BUILD_TOOLS=ON -DLLAMA_BUILD_SERVER=ON -DLLAMA_BUILD_TESTS=OFF \
        -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF \
        -DLLAMA_OPENSSL=OFF -DLLAMA_CURL=OFF -DGGML_OPENMP=OFF &&
        nice cmake --build "$folder/build" --target llama-server mtmd --parallel "$jobs"
} >"$folder/build.log" 2>&1; then
    tail -n 30 "$folder/build.log" >&2
    exit 1
fi

# The Python package finds the libraries just compiled through LLAMA_CPP_LIB_PATH, so it compiles nothing itself.
if [[ $("$python" -c 'from importlib.metadata import version; print(version("llama-cpp-python"))' 2>/dev/null) != "$pinned" ]]; then
    echo "==> Installing llama-cpp-python $pinned and its server"
    pip install --no-build-isolation -C cmake.define.LLAMA_BUILD=OFF -C cmake.define.LLAVA_BUILD=OFF "$source.tar.gz[server]"
fi
