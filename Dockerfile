# Builds both programs as static binaries; the image holds nothing else but the root certificates.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/ ./cmd/hub ./cmd/simulator \
 && mkdir -p /out/data /out/credentials /out/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/hub /out/simulator /
# Volumes take their owner from these folders; /tmp is for "hub demo".
COPY --from=build --chown=1000:1000 /out/data /data
COPY --from=build --chown=1000:1000 /out/credentials /credentials
COPY --from=build --chown=1000:1000 /out/tmp /tmp
USER 1000:1000
ENV HUB_DATA_DIR=/data
VOLUME /data
EXPOSE 1883 1888
# It asks at port 1888, over HTTPS if the hub speaks that there; for another port set HUB_URL, such as http://127.0.0.1:8080.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/hub", "status", "--ready"]
ENTRYPOINT ["/hub"]
CMD ["serve"]
