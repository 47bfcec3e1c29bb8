# The README's two commands, on a machine that has what the README asks for and nothing else.
#
#   docker build --tag whisq .
#   docker run --rm -it whisq                       # a shell in the project's folder
#   docker run --rm whisq whisq metrics --help
FROM python:3.11-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home listener

USER listener
WORKDIR /home/listener/whisq
COPY --chown=listener:listener . .

RUN make repro
RUN make test

ENV PATH="/home/listener/whisq/.venv/bin:${PATH}"
CMD ["bash"]
