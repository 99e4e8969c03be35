import { useEffect, useState } from "preact/hooks";
import { live } from "../../live";
import { count, significant } from "../../ui/numbers";
import { TableFrame } from "../../ui/TableFrame";
import { bytes, processOf, type ServerProcess, uptime, withProcess } from "./judged";

/** How the server processes are, as each tells every five seconds. */
export function Processes() {
  const [processes, setProcesses] = useState<readonly ServerProcess[]>([]);
  useEffect(
    () =>
      live.subscribe({
        topics: ["metrics.system"],
        onEvent: ({ payload }) => {
          const told = processOf(payload, Date.now());
          if (told) setProcesses((known) => withProcess(known, told));
        },
      }),
    [],
  );
  return (
    <TableFrame label="Server processes">
      <table class="table cards process-table">
        <thead>
          <tr>
            <th scope="col">Process</th>
            <th scope="col" class="right">
              Up
            </th>
            <th scope="col" class="right">
              CPU
            </th>
            <th scope="col" class="right">
              Memory
            </th>
            <th scope="col" class="right">
              Sockets
            </th>
            <th scope="col" class="right">
              Benchmarks
            </th>
            <th scope="col" class="right">
              Disk free
            </th>
          </tr>
        </thead>
        <tbody>
          {processes.length === 0 && (
            <tr>
              <td colSpan={7} class="whole muted">
                Each tells how it is every five seconds…
              </td>
            </tr>
          )}
          {processes.map((one) => (
            <tr key={one.instance}>
              <th scope="row" class="whole">
                {one.instance}
              </th>
              <td data-label="Up" class="right number">
                {uptime(one.uptimeS)}
              </td>
              <td data-label="CPU" class="right number">
                {significant(one.cpuPercent)} %
              </td>
              <td data-label="Memory" class="right number">
                {bytes(one.memoryBytes)}
              </td>
              <td data-label="Sockets" class="right number">
                {count(one.openSockets)}
              </td>
              <td data-label="Benchmarks" class="right number">
                {count(one.runningBenchmarks)}
              </td>
              <td data-label="Disk free" class="right number">
                {bytes(one.diskFreeBytes)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}
