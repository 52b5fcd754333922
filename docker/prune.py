"""Takes out of installed packages what our services never run: python prune.py SITE_PACKAGES

Each rule is a pattern and the reason why it may go. A rule for a package that is installed must match something: when a
new release changes its files, the build stops and the list is looked at again. `tests/compose` runs what is left.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# What the AWS SDK needs to sign in, and the services that our adapters call.
AWS_APIS = {"s3", "sqs", "ses", "sts", "sso", "sso-oidc"}

RULES = {
    # OpenVINO: a CPU runs one ONNX model.
    "openvino/libs/libopenvino_intel_gpu_plugin.so": "GPU",
    "openvino/libs/cache.json": "tuning of GPU kernels",
    "openvino/libs/libopenvino_intel_npu_plugin.so": "NPU",
    "openvino/libs/libopenvino_auto*_plugin.so": "choosing among devices",
    "openvino/libs/libopenvino_hetero_plugin.so": "splitting a model over devices",
    "openvino/libs/libopenvino_c.so*": "the C interface",
    "openvino/libs/libopenvino_gguf_frontend.so*": "models of other kinds than ONNX",
    "openvino/libs/libopenvino_jax_frontend.so*": "models of other kinds than ONNX",
    "openvino/libs/libopenvino_paddle_frontend.so*": "models of other kinds than ONNX",
    "openvino/libs/libopenvino_pytorch_frontend.so*": "models of other kinds than ONNX",
    "openvino/libs/libopenvino_tensorflow*_frontend.so*": "models of other kinds than ONNX",
    "openvino/frontend/jax": "models of other kinds than ONNX",
    "openvino/frontend/paddle": "models of other kinds than ONNX",
    "openvino/frontend/pytorch": "models of other kinds than ONNX",
    "openvino/frontend/tensorflow": "models of other kinds than ONNX",
    "openvino/tools": "conversion of models",
    "openvino/torch": "OpenVINO inside of torch",
    "openvino/include": "headers",
    "openvino/cmake": "for building against it",
    # ONNX Runtime: only sessions are opened.
    "onnxruntime/capi/libonnxruntime.so*": "the C interface; the Python module holds the runtime itself",
    "onnxruntime/transformers": "conversion of models",
    "onnxruntime/quantization": "conversion of models",
    "onnxruntime/tools": "conversion of models",
    "onnxruntime/datasets": "example models",
    # NumPy
    "numpy/f2py": "Fortran compiler's wrapper",
    "numpy/*/tests": "tests",
    "numpy/tests": "tests",
    "numpy/_core/_*_tests*.so": "tests",
    "numpy/_core/_simd*.so": "tests",
    "numpy/_core/include": "headers",
    "numpy/_core/lib": "for building against it",
    "numpy/random/lib": "for building against it",
    "numpy/random/_examples": "examples",
    # botocore: 400 other services of AWS
    "botocore/data/*/": "services that no adapter calls",
    "boto3/examples": "examples",
    "boto3/data/*/": "the resource interface, which nothing here uses",
    # Pillow: evidence is JPEG, and that alone is opened
    "PIL/_avif*.so": "AVIF pictures",
    "pillow.libs/libavif*": "AVIF pictures",
    "PIL/_imagingtk*.so": "windows",
    # SQLAlchemy
    "sqlalchemy/testing": "tests",
    # All packages
    "**/*.pyi": "for type checkers",
    "**/*.pxd": "for building against it",
}
KEPT = {f"{sdk}/data/{api}" for sdk in ("botocore",) for api in AWS_APIS}


def main(root: Path) -> None:
    """Remove what RULES name below *root*, then the symbols that no loader needs; say what each gained."""
    before, unmatched = size(root), []
    for pattern, why in RULES.items():
        found = [path for path in root.glob(pattern) if str(path.relative_to(root)) not in KEPT]
        gained = sum(size(path) for path in found)
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if found:
            print(f"{gained / 1e6:7.1f} MB  {pattern}: {why}")
        elif (root / pattern.split("/")[0]).exists():
            unmatched.append(pattern)
    if unmatched:
        sys.exit(f"prune: nothing matches {', '.join(unmatched)}; do: look at the package and mend RULES")
    strip(root)
    print(f"{before / 1e6:7.1f} MB before, {size(root) / 1e6:.1f} MB after")


def strip(root: Path) -> None:
    """Remove debugging symbols from extension modules; bundled libraries are left as they came.

    auditwheel has rewritten the bundled ones (folders *.libs), which strip is known to break.
    """
    modules = [path for path in root.rglob("*.so") if not path.parent.name.endswith((".libs", "libs"))]
    before = sum(size(path) for path in modules)
    subprocess.run(["strip", "--strip-unneeded", *map(str, modules)], check=True)
    print(f"{(before - sum(map(size, modules))) / 1e6:7.1f} MB  symbols of {len(modules)} extension modules")


def size(path: Path) -> int:
    """Bytes in *path* and all below it."""
    return sum(file.stat(follow_symlinks=False).st_size for file in files(path))


def files(path: Path) -> Iterator[Path]:
    return (file for file in path.rglob("*") if not file.is_dir()) if path.is_dir() else iter([path])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
