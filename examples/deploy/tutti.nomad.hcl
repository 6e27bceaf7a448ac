# Three nodes on three machines of a Nomad cluster that has Consul, which keeps the list of members:
#   nomad var put nomad/jobs/tutti cluster_secret=$(openssl rand -hex 16) api_token=$(openssl rand -hex 16)
#   nomad job run -var image=registry.example/tutti:0.1.0 tutti.nomad.hcl
# Each client needs a host volume of the name tutti (client { host_volume "tutti" { path = "/srv/tutti" } }), writable by user 1000.
variable "image" {
  type        = string
  description = "An image of tutti that the machines can pull."
}

job "tutti" {
  type = "service"

  group "nodes" {
    count = 3

    # Two nodes on one machine fall together, and share the cores they measure with.
    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }

    # A node is its volume: it comes back to where that is, and is never started elsewhere beside it.
    volume "data" {
      type      = "host"
      source    = "tutti"
      read_only = false
    }

    # One after the other, each only when the last is well.
    update {
      max_parallel     = 1
      min_healthy_time = "10s"
    }

    network {
      mode = "host"
      port "raft" { static = 7000 }
      port "api" { static = 8080 }
    }

    task "node" {
      driver = "docker"
      # Time to hand the leadership over, and a share of a run with what it measured.
      kill_timeout = "30s"

      config {
        image           = var.image
        network_mode    = "host"
        init            = true
        readonly_rootfs = true
        cap_drop        = ["all"]
        ports           = ["raft", "api"]
        mount {
          type   = "tmpfs"
          target = "/tmp"
        }
      }

      volume_mount {
        volume      = "data"
        destination = "/data"
      }

      env {
        DISCOVERY_MODE        = "consul"
        CONSUL_ADDR           = "127.0.0.1:8500"
        CLUSTER_EXPECT_NODES  = "3"
        CLUSTER_BIND_ADDR     = "${NOMAD_ADDR_raft}"
        CLUSTER_HEALTH_ADDR   = "${NOMAD_ADDR_api}"
        CLUSTER_NODE_ID       = "${node.unique.name}"
        CLUSTER_REGION        = "${node.datacenter}"
        CLUSTER_CONFIG_SOURCE = "consul-kv"
        CLUSTER_SECRET_FILE   = "${NOMAD_SECRETS_DIR}/cluster-secret"
        API_AUTH_TOKEN_FILE   = "${NOMAD_SECRETS_DIR}/api-token"
      }

      template {
        destination = "secrets/cluster-secret"
        data        = "{{ with nomadVar \"nomad/jobs/tutti\" }}{{ .cluster_secret }}{{ end }}"
        perms       = "0444"
      }
      template {
        destination = "secrets/api-token"
        data        = "{{ with nomadVar \"nomad/jobs/tutti\" }}{{ .api_token }}{{ end }}"
        perms       = "0444"
      }

      resources {
        cores  = 2
        memory = 1024
      }
    }
  }
}
