"""What operators get: Prometheus rules, dashboards, the image, the compose file, the manifests."""
