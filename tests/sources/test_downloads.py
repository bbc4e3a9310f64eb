import os
import socket
import sys
import threading
from contextlib import nullcontext
from types import ModuleType, SimpleNamespace

import pytest

from unsee import InputError
from unsee.sources._downloads import (
    ADAPTER_MODULE,
    DYNAMIC_MODULES,
    KERNEL_LOADERS,
    KERNEL_MODULE,
    NOT_ONLY_WEIGHTS,
    ONLY_WEIGHTS,
    check_no_kernels,
    download,
    optional_import,
)


def test_failed_download_is_one_line() -> None:
    message = r"^could not download timm:x \(no network\); check the"
    with pytest.raises(InputError, match=message), download("timm:x"):
        raise OSError("no network\nand a long explanation")


def test_missing_package_names_the_command_that_installs_it() -> None:
    with pytest.raises(InputError, match="pip install timm"), optional_import("timm"):
        raise ImportError("no module")


@pytest.mark.parametrize(
    ("network", "proxies", "offline"),
    [(False, {}, True), (True, {}, False), (False, {"https": "proxy:80"}, False)],
)
def test_hub_is_offline_only_without_a_network(monkeypatch, network, proxies, offline) -> None:
    hub = SimpleNamespace(HF_HUB_OFFLINE=False, ENDPOINT="https://huggingface.co")
    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(constants=hub))
    monkeypatch.setattr("unsee.sources._downloads.getproxies", lambda: proxies)
    monkeypatch.delenv("HF_ENDPOINT", raising=False)

    def resolve(host, port):
        assert host == "huggingface.co"
        if not network:
            raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with download("timm:x"):
        assert hub.HF_HUB_OFFLINE is offline
    assert hub.HF_HUB_OFFLINE is False


def test_what_is_local_reaches_no_network(monkeypatch) -> None:
    hub = SimpleNamespace(HF_HUB_OFFLINE=False, ENDPOINT="https://huggingface.co")
    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(constants=hub))
    addresses: list[str] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port: addresses.append(host))
    with download("transformers:folder", local=True):
        assert hub.HF_HUB_OFFLINE is True
    assert hub.HF_HUB_OFFLINE is False
    assert addresses == []


@pytest.mark.parametrize("library", ["transformers", "diffusers"])
def test_libraries_run_no_code_of_a_checkpoint_and_do_not_ask(monkeypatch, library) -> None:
    module = ModuleType("dynamic")
    module.get_class_in_module, module.TIME_OUT_REMOTE_CODE = dict, 15
    monkeypatch.setitem(sys.modules, library, ModuleType(library))
    monkeypatch.setitem(sys.modules, DYNAMIC_MODULES[library], module)
    monkeypatch.setattr("unsee.sources._downloads.quiet", nullcontext)  # it imports transformers
    monkeypatch.setattr("unsee.sources._downloads.import_module", sys.modules.get)
    with download("transformers:folder", local=True):
        assert module.TIME_OUT_REMOTE_CODE == 0
        with pytest.raises(InputError, match="the checkpoint brings code of its own"):
            module.get_class_in_module("Evil", "evil.py")
    assert (module.get_class_in_module, module.TIME_OUT_REMOTE_CODE) == (dict, 15)


def test_configuration_that_names_compiled_code_of_a_hub_is_refused() -> None:
    plain = {"attn_implementation": "sdpa", "vision": {"_attn_implementation": "eager"}, "x": "a/b"}
    check_no_kernels(plain, "model")
    check_no_kernels([], "model")
    for config in (
        {"_attn_implementation": "owner/code"},
        {"attn_implementation": "flash_attention_2"},
        {"attn_implementation": {"vision": "owner/code"}},
        {"_attn_implementation_internal": "owner/code"},
        {"vision": {"experts_implementation": "owner/code@main:function"}},
    ):
        with pytest.raises(InputError, match="model: names compiled code of a hub"):
            check_no_kernels(config, "model")


@pytest.mark.parametrize("name", KERNEL_LOADERS)
def test_libraries_load_no_compiled_code_of_a_hub(monkeypatch, name) -> None:
    libraries(monkeypatch)
    first, second, late = map(ModuleType, (KERNEL_MODULE, "transformers.modeling", "kernels.late"))
    for module in (first, second):
        setattr(module, name, list)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    with download("transformers:folder", local=True), download("a part", local=True):
        for module in (first, second):
            with pytest.raises(InputError, match="the checkpoint brings code of its own"):
                getattr(module, name)("owner/code")
        setattr(late, name, getattr(first, name))  # imported while it is replaced
        monkeypatch.setitem(sys.modules, late.__name__, late)
    assert [getattr(module, name) for module in (first, second, late)] == [list] * 3


@pytest.mark.parametrize("found", [None, "folder/adapter_config.json"])
def test_an_adapter_of_another_checkpoint_is_refused(monkeypatch, found) -> None:
    libraries(monkeypatch)
    first, second = ModuleType(ADAPTER_MODULE), ModuleType("transformers.models.auto.auto_factory")
    first.find_adapter_config_file = second.find_adapter_config_file = find = lambda name: found
    for module in (first, second):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    refused = pytest.raises(InputError, match="is an adapter of another one")
    with download("transformers:folder", local=True), refused if found else nullcontext():
        assert second.find_adapter_config_file("folder") is None
    assert second.find_adapter_config_file is find


def libraries(monkeypatch) -> tuple[SimpleNamespace, ModuleType]:
    """Stand-ins for the client of the hub and for the dynamic modules of transformers."""
    hub = SimpleNamespace(HF_HUB_OFFLINE=False, ENDPOINT="https://huggingface.co")
    dynamic = ModuleType("dynamic")
    dynamic.get_class_in_module = dict
    monkeypatch.setattr("unsee.sources._downloads.quiet", nullcontext)
    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(constants=hub))
    monkeypatch.setitem(sys.modules, "transformers", ModuleType("transformers"))
    monkeypatch.setitem(sys.modules, DYNAMIC_MODULES["transformers"], dynamic)
    return hub, dynamic


def test_threads_have_the_guards_one_after_the_other(monkeypatch) -> None:
    hub, dynamic = libraries(monkeypatch)
    monkeypatch.setenv(NOT_ONLY_WEIGHTS, "1")
    first_in, second_in, first_may_end = (threading.Event() for _ in range(3))
    seen = []

    def first() -> None:
        with download("a", local=True):
            first_in.set()
            first_may_end.wait(20)

    def second() -> None:
        with download("b", local=True), download("part of b", local=True):
            second_in.set()
            first_thread.join()  # what it restores must not be what this block needs
            seen.append((os.environ.get(ONLY_WEIGHTS), dynamic.get_class_in_module is dict))
            seen.append(hub.HF_HUB_OFFLINE)

    first_thread, second_thread = threading.Thread(target=first), threading.Thread(target=second)
    first_thread.start()
    assert first_in.wait(20)
    second_thread.start()
    assert not second_in.wait(0.1)
    first_may_end.set()
    second_thread.join(20)
    assert seen == [("1", False), True]
    assert dynamic.get_class_in_module is dict
    settings = (ONLY_WEIGHTS in os.environ, os.environ[NOT_ONLY_WEIGHTS], hub.HF_HUB_OFFLINE)
    assert settings == (False, "1", False)
