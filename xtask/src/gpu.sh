#!/usr/bin/env bash
# Made by `cargo xtask gpu`: `bash run.sh` runs all of it, `bash run.sh PART...` only these:
#   tests    every test on the GPU; without one, each fails and says why. Groups of GPUs are skipped
#            where NCCL is missing, unless BAYES_NN_REQUIRE_NCCL is set
#   memory   some of them under the memory checker, where it works
#   table    the work beside other libraries, written to GPU.md after every row; REPEATS=1 runs each
#            program once, ROWS="image grid" only shows these rows
# Ends with 0 if nothing failed, else 1.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
export BAYES_NN_TEST_ON=cuda BAYES_NN_REQUIRE_CUDA=1 BAYES_NN_REQUIRE_NVRTC=1

# NVRTC, cuBLAS and NCCL where the loader does not look: in Python's packages, else in the toolkit.
# NCCL is asked for by the name without a version.
site=$("${PYTHON:-python3}" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' 2>/dev/null)
if [ -e "$site/nvidia/nccl/lib/libnccl.so.2" ]; then
  mkdir -p nccl && ln -sf "$site/nvidia/nccl/lib/libnccl.so.2" nccl/libnccl.so
fi
for folder in "$PWD/nccl" "$site"/nvidia/*/lib "${CUDA_HOME:-/usr/local/cuda}"/lib64; do
  [ -d "$folder" ] && LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder"
done
export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:-}"

failed=()
check() {
  echo "+ $*"
  "$@" || failed+=("$*")
}

[ $# -gt 0 ] || set -- tests memory table
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null ||
  echo 'nvidia-smi does not run here'
for part in "$@"; do
  case $part in
    tests)
      for test in {tests}; do check "./test-$test" --test-threads 1; done
      ;;
    memory)
      if compute-sanitizer true >/dev/null 2>&1; then
        for tool in memcheck racecheck; do
          check compute-sanitizer --tool "$tool" --error-exitcode 1 \
            ./test-cuda --test-threads 1 every_operation steps_of
          check compute-sanitizer --tool "$tool" --error-exitcode 1 \
            ./test-lanes --test-threads 1 lanes_are
        done
      else
        echo 'compute-sanitizer does not run here: memory is NOT checked'
      fi
      ;;
    table)
      # shellcheck disable=SC2086
      check ./xtask gpu --measure . ${REPEATS:+--repeats $REPEATS} ${ROWS:+--only $ROWS}
      ;;
    *)
      echo "no part is called '$part': tests, memory, table" >&2
      exit 1
      ;;
  esac
done

for command in "${failed[@]}"; do echo "FAILED: $command"; done
[ ${#failed[@]} -eq 0 ] && echo "nothing failed: $*"
