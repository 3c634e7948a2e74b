"""Run the command line in forks of one process, which has imported it once for all tests.

Started by ``tests/conftest.py`` with the descriptor of a socket. A request is JSON with the arguments and the
environment, sent with three descriptors: standard output, standard error, and a pipe that gets the process
id, then the exit status. The request null comes with a socket instead, for a process that forks workers.
"""

import gc
import importlib
import importlib.util
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path

from forked_workers import ForkedWorkers, fork_workers, read_request

MODULES = [
    "alphacrystal.cli",
    "alphacrystal.pipeline.predict",
    "alphacrystal.evaluation",
    "alphacrystal.scale",
    "chgnet.model",
    "numpy.random",
    "pymatgen.io.ase",
    "pymatgen.io.cif",
    "scipy.optimize",
    "scipy.spatial",
]
OF_THE_PAGE = ["uvicorn", "alphacrystal.web"] if importlib.util.find_spec("fastapi") else []


def predict_once() -> None:
    """Predict a crystal, which loads the models and fills the tables that all commands share.

    torch has one thread here, so a fork loses none; for a graphics card, its gradients have more of them.
    """
    import torch

    from alphacrystal.config import PredictConfig
    from alphacrystal.learn import CORE_MODELS, load_model, models_folder
    from alphacrystal.pipeline.predict import predict

    for name in CORE_MODELS:
        load_model(name, models_folder())
    if torch.cuda.device_count() == 0 and not torch.backends.mps.is_available():
        with tempfile.TemporaryDirectory() as folder:
            settings = PredictConfig(candidates=2, max_atoms=4, relax=False)
            predict("NaCl", settings, folder=Path(folder, "run"))


def wait_for_a_command(requests: socket.socket) -> None:
    """Answer requests; returns in the fork that is to run one, and ends the server with its client."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody has to collect the supervisors
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the tests, and they end the server
    while True:
        request, descriptors = read_request(requests)
        if request is None and not descriptors:
            sys.exit()
        if os.fork() == 0:
            requests.close()
            if request is None:
                fork_workers(socket.socket(fileno=descriptors[0]))
                os._exit(0)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            become_the_command(request, *descriptors)
            return
        for descriptor in descriptors:
            os.close(descriptor)


def become_the_command(request: dict, out: int, err: int, status: int) -> None:
    """Fork twice more: into a process that forks the workers of the command, and into the command.

    The parent reports on the command and ends, the last child returns as the command.
    """
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        for descriptor in (out, err, status):
            os.close(descriptor)
        fork_workers(theirs)
        os._exit(0)
    theirs.close()
    pid = os.fork()
    if pid != 0:
        ours.close()
        os.close(out)
        os.close(err)
        os.write(status, f"{pid}\n".encode())
        _, code = os.waitpid(pid, 0)
        os.write(status, f"{os.waitstatus_to_exitcode(code)}\n".encode())
        os._exit(0)
    os.close(status)
    for descriptor, target in ((out, 1), (err, 2)):
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environment"])
    if encoding := os.environ.get("PYTHONIOENCODING"):
        sys.stdout.reconfigure(encoding=encoding)
        sys.stderr.reconfigure(encoding=encoding)
    if os.environ.get("PYTHONUNBUFFERED"):
        sys.stdout.reconfigure(line_buffering=True)
    os.chdir(request["directory"])
    sys.path[:0] = request["path"]
    sys.argv[1:] = request["arguments"]
    if not os.environ.keys() & {"COVERAGE_PROCESS_CONFIG", "NEW_PROCESSES"}:
        fork_processes(ForkedWorkers(ours))


def fork_processes(workers: ForkedWorkers) -> None:
    """Let this process start its workers, and the jobs of its server, as forks."""
    worker_process._spawn = workers
    if OF_THE_PAGE:
        from alphacrystal.web import _process

        _process._spawn = workers.start_job


if __name__ == "__main__":
    listening = socket.socket(fileno=int(sys.argv.pop(1)))
    for module in MODULES + OF_THE_PAGE:
        importlib.import_module(module)
    predict_once()
    from alphacrystal.cli import main
    from alphacrystal.runtime import worker_process

    gc.freeze()
    wait_for_a_command(listening)

    main()
