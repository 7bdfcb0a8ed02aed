# The operator's image: the binary, the C library that it needs, the certificates of public authorities, nobody's rights.
FROM rust:1-trixie AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p paramsync

FROM debian:trixie-slim
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/target/release/paramsync /usr/local/bin/paramsync
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/paramsync"]
CMD ["run"]
