FROM --platform=$BUILDPLATFORM golang:1.26.8-trixie AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION=dev
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH make build VERSION=$VERSION

# Nothing but the binary, the certificate authorities and the time zones.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /usr/local/go/lib/time/zoneinfo.zip /
COPY --from=build /src/bin/wecomq /
ENV ZONEINFO=/zoneinfo.zip
USER 65532:65532
EXPOSE 8080 9090
# Of the command below; others listen elsewhere, see docker-compose.yml.
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s CMD ["/wecomq", "check", "--ready", "127.0.0.1:9090"]
ENTRYPOINT ["/wecomq"]
CMD ["worker", "--listen", "0.0.0.0:9090"]
