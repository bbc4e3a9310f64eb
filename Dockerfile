# The page of unsee on port 7860, without a password: publish the port in a network that you trust.
#
#   docker build -t unsee .                                 # for CPUs
#   docker build -t unsee-cuda --build-arg DEVICE=cuda .    # for NVIDIA GPUs: docker run --gpus all
#   docker run --rm -p 127.0.0.1:7860:7860 -v unsee-cache:/cache unsee
#
# Other commands, with the photos of this folder:
#
#   docker run --rm -v "$PWD:/data" --user "$(id -u):$(id -g)" unsee explain dog.jpg

FROM python:3.12-slim

# cpu or cuda: the wheels of PyPI hold CUDA, those for CPUs are smaller and come from PyTorch
ARG DEVICE=cpu
# extras of pyproject.toml; with ecosystem also timm, transformers and diffusers
ARG EXTRAS=studio,baselines

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

WORKDIR /opt/unsee
COPY constraints.txt ./
# grad-cam and timm need torchvision, which works only with the build of torch that it was compiled
# for: in one command from one index, pip takes the version that names this version of torch
RUN case "$DEVICE" in \
      cpu) pip install --constraint constraints.txt torch torchvision --index-url https://download.pytorch.org/whl/cpu ;; \
      cuda) pip install --constraint constraints.txt torch torchvision ;; \
      *) echo "DEVICE: expected cpu or cuda, got $DEVICE" >&2; exit 2 ;; \
    esac
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip install --constraint constraints.txt ".[$EXTRAS]" && unsee --version && python -c "import torchvision"

# Weights and measured batch sizes are kept in the volume; any user may write there.
RUN useradd --create-home --uid 1000 unsee \
    && mkdir /cache /data \
    && chown unsee:unsee /cache /data \
    && chmod 1777 /cache
ENV UNSEE_CACHE=/cache/unsee HF_HOME=/cache/huggingface TORCH_HOME=/cache/torch \
    MPLCONFIGDIR=/cache/matplotlib GRADIO_ANALYTICS_ENABLED=False
VOLUME /cache
USER unsee
WORKDIR /data
EXPOSE 7860

ENTRYPOINT ["unsee"]
CMD ["studio", "--host", "0.0.0.0"]
