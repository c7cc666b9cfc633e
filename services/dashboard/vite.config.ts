import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const gateway = process.env.MESHSPLIT_GATEWAY ?? "http://127.0.0.1:8080";

export default defineConfig({
  base: "/dashboard/",
  plugins: [react()],
  server: {
    proxy: {
      // The reporter checks a WebSocket's Origin, and knows the gateway's, not the dev server's.
      "/api": { target: gateway, changeOrigin: true, ws: true, headers: { origin: gateway } },
    },
  },
  build: {
    // The CSP allows no inlined assets.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 450,
  },
  test: {
    environment: "jsdom",
    setupFiles: ["./src/app/testSetup.ts"],
    restoreMocks: true,
  },
});
